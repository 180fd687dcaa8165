/** Gradients of the loss by every learnt parameter, on samples: what `taylor` weighs channels by. */
import type { HostTensor } from '../../../runtime/host-tensor.ts';
import { isParameter } from '../../ir/leaves.ts';
import { makeGraph, type Graph, type Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { elementCount, type Tensor } from '../../ir/type.ts';
import { dropout } from '../../ops/index.ts';
import { constantNode } from '../../passes/constants.ts';
import { boundModel, scoresOf } from '../../train/bound-model.ts';
import { differentiate } from '../../train/differentiate.ts';
import { weightedSum, type LossTerm } from '../../train/losses/index.ts';
import { programInputs, targetOf } from '../../train/program-inputs.ts';
import { substitute } from '../../train/training-form.ts';
import type { TargetSettings } from '../../train/training-options.ts';

export interface GradientSettings {
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Names of what is learnt. */
  readonly learnt: readonly string[];
  readonly imageSize: readonly [number, number] | undefined;
  readonly target: TargetSettings;
  readonly loss: readonly LossTerm[];
}

export interface GradientsGraph {
  readonly graph: Graph;
  /** Parameters by output. */
  readonly names: ReadonlyMap<string, string>;
}

/**
 * The mean loss of a batch in inference form, differentiated by each learnt parameter that it depends on. Throws a
 * TrainingFault where the model does not fit the target.
 */
export function gradientsGraph(settings: GradientSettings, batch: number): GradientsGraph {
  const { graph, weights, learnt, imageSize, target, loss } = settings;
  const { graph: bound, image } = boundModel({ graph, batch, imageSize });
  const leaves = new Map<string, Node>();
  const inference = substitute(bound, (node, inputs) => {
    if (isOp(node, dropout)) return inputs[0];
    const tensor = isParameter(node) ? weights.get(node.attrs.name) : undefined;
    if (!tensor || !isParameter(node)) return undefined;
    const constant = constantNode(tensor, node.attrs.name, node.origin);
    leaves.set(node.attrs.name, constant);
    return constant;
  });
  const scores = scoresOf(inference, image, target);
  const labels = targetOf('labels', scores, target, programInputs(image));
  const { mean } = weightedSum(scores, labels, loss);
  const wrt = learnt.flatMap((name) => leaves.get(name) ?? []);
  const found = differentiate(mean, wrt);
  const names = new Map<string, string>();
  const outputs = learnt.flatMap((name, index) => {
    const leaf = leaves.get(name);
    const gradient = leaf && found.get(leaf);
    if (!gradient) return [];
    names.set(`gradient${index}`, name);
    return [[`gradient${index}`, gradient] as const];
  });
  return { graph: makeGraph(Object.fromEntries(outputs)), names };
}

/** Sums gradients of batches by parameter. */
export function gradientMeter(names: GradientsGraph['names']) {
  const sums = new Map<string, Tensor>();
  return {
    add: (outputs: Readonly<Record<string, HostTensor>>): void => {
      for (const [output, name] of names) {
        const value = outputs[output];
        if (!value) throw new RangeError(`the gradient of ${name} was not computed`);
        const sum = sums.get(name) ?? {
          dtype: 'f32',
          shape: value.shape,
          data: new Float64Array(elementCount(value.shape)),
        };
        for (let at = 0; at < sum.data.length; at++) sum.data[at] = (sum.data[at] ?? 0) + (value.data[at] ?? 0);
        sums.set(name, sum);
      }
    },
    result: (): ReadonlyMap<string, Tensor> => sums,
  };
}
