import { describe } from 'vitest';
import { sliceWeightGrads } from '../../compiler/passes/slice-weight-grads.ts';
import { runTextTests } from './run-text.ts';

describe('slice-weight-grads', () => runTextTests('slice-weight-grads', sliceWeightGrads));
