import { describe } from 'vitest';
import { fuseElementwise, fuseRecomputing } from '../../compiler/passes/fuse-elementwise.ts';
import { runTextTests } from './run-text.ts';

describe('fuse-elementwise', () => runTextTests('fuse-elementwise', fuseElementwise));

describe('fuse-recomputing', () => runTextTests('fuse-recomputing', fuseRecomputing));
