import { describe } from 'vitest';
import { lowerInt8 } from '../../../compiler/passes/int8/lower-int8.ts';
import { runTextTests } from '../run-text.ts';

// Two roundings may fall on different sides: one step of the result's scale.
describe('lower-int8', () => runTextTests('int8/lower-int8', lowerInt8, 0.02));
