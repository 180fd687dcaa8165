import { describe } from 'vitest';
import { foldBatchNorm } from '../../compiler/passes/fold-batch-norm.ts';
import { runTextTests } from './run-text.ts';

describe('fold-batch-norm', () => runTextTests('fold-batch-norm', foldBatchNorm));
