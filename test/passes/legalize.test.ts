import { describe } from 'vitest';
import { legalize } from '../../compiler/passes/legalize.ts';
import { runTextTests } from './run-text.ts';

describe('legalize', () => runTextTests('legalize', legalize));
