/** The lines of a source's budgets as an artifact carries them: what it must keep, and where that is written. */
import * as v from 'valibot';

export const budgetLineSchema = v.object({
  /** `params`, `macs`, `size`, `peak_memory`, `latency`, `drop`, or a metric such as `val.accuracy`. */
  metric: v.string(),
  /** `p50` of `latency(p50)`, `base` of `drop(base)`. */
  argument: v.optional(v.string()),
  operator: v.picklist(['<=', '>=', '<', '>']),
  /** In base units: shares of one, bytes, seconds, plain counts. */
  limit: v.number(),
  /** As written. */
  text: v.string(),
  /** Samples at once. */
  batch: v.number(),
  /** Of `drop`: the accuracy of the stage that it is measured against, as far as that is known. */
  reference: v.optional(v.number()),
  place: v.object({ file: v.string(), line: v.number(), column: v.number() }),
  /** The whole line of the source, to show it where the source is not at hand. */
  source: v.string(),
});
export type BudgetLine = v.InferOutput<typeof budgetLineSchema>;

/** The stage that an artifact was built from, and the figures that were measured of it; see `stage.json`. */
export const artifactStageSchema = v.object({ name: v.string(), figures: v.record(v.string(), v.number()) });
