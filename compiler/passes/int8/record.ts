/** What quantization found, as it is kept beside the weights, and as the options of the int8 passes. */
import * as v from 'valibot';
import type { Int8Options } from '../pipelines.ts';

/**
 * What quantization found. Keys of `ranges` are stable between builds: parameter path of the producing group and its
 * op, as in `layer1.0.conv2/out`. `options` are the settings that lowering needs, as JSON.
 */
export const quantizationRecordSchema = v.object({
  ranges: v.record(v.string(), v.object({ min: v.number(), max: v.number() })),
  /** Groups that stay in f32, by the same keys or parameter paths. */
  keepFloat: v.array(v.string()),
  options: v.record(v.string(), v.unknown()),
});
export type QuantizationRecord = v.InferOutput<typeof quantizationRecordSchema>;

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
