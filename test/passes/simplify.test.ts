import { describe } from 'vitest';
import { simplify } from '../../compiler/passes/simplify.ts';
import { runTextTests } from './run-text.ts';

describe('simplify', () => runTextTests('simplify', simplify));
