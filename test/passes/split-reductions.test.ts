import { describe } from 'vitest';
import { splitReductions } from '../../compiler/passes/split-reductions.ts';
import { runTextTests } from './run-text.ts';

describe('split-reductions', () => runTextTests('split-reductions', splitReductions));
