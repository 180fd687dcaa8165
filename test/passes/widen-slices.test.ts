import { describe } from 'vitest';
import { widenSlices } from '../../compiler/passes/widen-slices.ts';
import { runTextTests } from './run-text.ts';

describe('widen-slices', () => runTextTests('widen-slices', widenSlices));
