/** What flows from one stage to the next: a network, its weights, and what earlier stages made of it. */
import * as v from 'valibot';
import type { Guard, Preprocess } from '../../../runtime/artifact.ts';
import type { BuiltModel } from '../../analyze/index.ts';
import type { Graph } from '../../ir/node.ts';
import type { Tensor } from '../../ir/type.ts';
import type { ChannelRecord } from '../../passes/channels/index.ts';
import type { QuantizationRecord } from '../../passes/int8/record.ts';

export type { ChannelRecord };

const indices = v.array(v.pipe(v.number(), v.integer(), v.minValue(0)));
export const channelRecordSchema = v.record(v.string(), v.record(v.string(), indices));

/** Immutable: a stage makes a new one. */
export interface StagedModel {
  /** Name of the model that the source declares. */
  readonly name: string;
  /** Path of the source, for manifests. */
  readonly source: string;
  /** In inference form: parameter leaves by state_dict path, the batch symbolic. */
  readonly graph: Graph;
  /** Of this graph: their shapes are those after pruning. */
  readonly parameters: BuiltModel['parameters'];
  readonly weights: ReadonlyMap<string, Tensor>;
  /** What pruning kept, relative to the declared graph, composed over several prunes. */
  readonly channels?: ChannelRecord | undefined;
  readonly quantization?: QuantizationRecord | undefined;
  /** Its `labels` are the names of the scores, wherever they come from. */
  readonly preprocess?: Preprocess | undefined;
  readonly guards: readonly Guard[];
}
