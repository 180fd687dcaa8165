/** The prelude: names that every file sees. */
import type { PreludeOp } from './prelude-call.ts';
import { functions } from './prelude-functions.ts';
import { layers } from './prelude-layers.ts';
import { norms } from './prelude-norms.ts';
import { shapeOps } from './prelude-shapes.ts';
import { upsampling } from './prelude-upsampling.ts';
import { modeValue, type Value } from '../values/values.ts';

/** Every callable name, in the order of the reference. */
export const preludeOps: ReadonlyMap<string, PreludeOp> = new Map(
  [...layers, ...upsampling, ...norms, ...shapeOps, ...functions].map((op) => [op.name, op]),
);

/** Names that stand for a way of doing something. */
const modes = ['same', 'same_upper', 'nearest', 'bilinear'] as const;

export const preludeValues: ReadonlyMap<string, Value> = new Map<string, Value>([
  ...[...preludeOps.keys()].map((name): [string, Value] => [name, { kind: 'op', name }]),
  ...modes.map((name): [string, Value] => [name, modeValue(name)]),
]);
