import { describe } from 'vitest';
import { expandBatchNorm } from '../../compiler/passes/expand-batch-norm.ts';
import { runTextTests } from './run-text.ts';

describe('expand-batch-norm', () => runTextTests('expand-batch-norm', expandBatchNorm));
