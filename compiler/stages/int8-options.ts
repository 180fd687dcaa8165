/** What a staged model records of its quantization, as the options of the int8 passes. */
import * as v from 'valibot';
import type { Int8Options } from '../passes/pipelines.ts';
import type { QuantizationRecord } from './staged-model.ts';

/** `options` of the record; others that a later compiler adds are not looked at. */
const recorded = v.object({
  symmetric: v.optional(v.boolean(), false),
  perTensorWeights: v.optional(v.boolean(), false),
  equalize: v.optional(v.boolean(), false),
  biasErrors: v.optional(v.record(v.string(), v.array(v.number())), {}),
});

export function int8OptionsOf({ ranges, keepFloat, options }: QuantizationRecord): Int8Options {
  return { ranges, keepFloat, ...v.parse(recorded, options) };
}

export function recordOf({ ranges, keepFloat = [], ...options }: Int8Options): QuantizationRecord {
  return { ranges: { ...ranges }, keepFloat: [...keepFloat], options: { ...options } };
}
