import { describe } from 'vitest';
import { packWeightsPass } from '../../compiler/passes/pack-weights.ts';
import { runTextTests } from './run-text.ts';

describe('pack-weights', () => runTextTests('pack-weights', packWeightsPass));
