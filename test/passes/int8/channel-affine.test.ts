import { describe } from 'vitest';
import { channelAffine } from '../../../compiler/passes/int8/channel-affine.ts';
import { runTextTests } from '../run-text.ts';

describe('channel-affine', () => runTextTests('int8/channel-affine', channelAffine));
