import { describe } from 'vitest';
import { fuseMovement } from '../../compiler/passes/fuse-movement.ts';
import { runTextTests } from './run-text.ts';

describe('fuse-movement', () => runTextTests('fuse-movement', fuseMovement));
