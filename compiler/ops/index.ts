/** The op registry: every op of `all.ts`, by export and by name. */
import type { Op } from '../ir/op.ts';
import * as all from './all.ts';

export * from './all.ts';

export const ops: ReadonlyMap<string, Op> = new Map(Object.values(all).map((op): [string, Op] => [op.name, op]));
