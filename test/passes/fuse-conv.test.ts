import { describe } from 'vitest';
import { fuseConv } from '../../compiler/passes/fuse-conv.ts';
import { runTextTests } from './run-text.ts';

describe('fuse-conv', () => runTextTests('fuse-conv', fuseConv));
