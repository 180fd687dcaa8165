import { describe } from 'vitest';
import { splitBias } from '../../compiler/passes/split-bias.ts';
import { runTextTests } from './run-text.ts';

describe('split-bias', () => runTextTests('split-bias', splitBias));
