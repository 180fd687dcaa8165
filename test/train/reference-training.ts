/** Runs training steps in the reference interpreter, in float64, as a run does on a device. */
import { join } from 'node:path';
import { analyze, nodeHost } from '../../compiler/analyze/index.ts';
import { evaluateNode, evaluateStep, type Step } from '../../compiler/ir/evaluate.ts';
import type { Graph } from '../../compiler/ir/node.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { flatStorage, fromStorage } from '../../compiler/ops/index.ts';
import { makeNode } from '../../compiler/ir/node.ts';
import type { HostScalar } from '../../compiler/train/optimizers/optimizer.ts';
import type { StateVector } from '../../compiler/train/state.ts';
import { buildTrainingStep, type TrainingStep } from '../../compiler/train/training-step.ts';
import type { TrainingOptions } from '../../compiler/train/training-options.ts';
import { f32 } from '../ops/check-op.ts';

export function graphOf(file: string, model: string, args: Readonly<Record<string, string>> = {}): Graph {
  const program = analyze(join(import.meta.dirname, file), nodeHost());
  const built = program.models.find(({ name }) => name === model)?.build({ arguments: args });
  if (built?.graph) return built.graph;
  throw new Error(JSON.stringify((built ?? program).diagnostics.map(({ code, message }) => [code, message])));
}

/** What every run may leave out. */
export const plainRun = {
  cyclesMomentum: false,
  regularizers: [],
  mixup: false,
  loss: [{ kind: 'cross_entropy', factor: 1, labelSmoothing: 0 }],
} as const;

export const scalar = (value: number): Tensor => f32([1, 1], [value]);

/** What the host computes for a step, counted from one. */
export function hostScalars(
  scalars: readonly HostScalar[],
  step: number,
  rates: { readonly lr: number; readonly momentum?: number | undefined; readonly seed?: number },
): Record<string, Tensor> {
  const valueOf = (each: HostScalar): Tensor => {
    if (each.kind === 'lr') return scalar(rates.lr);
    if (each.kind === 'momentum') return scalar(rates.momentum ?? Number.NaN);
    if (each.kind === 'rng') return f32([1, 4], [step, rates.seed ?? 0, 0, 0]);
    if (each.kind === 'inverseTime') return scalar(1 / (1 + each.decay * (step - 1)));
    return scalar(1 - each.beta ** step);
  };
  return Object.fromEntries(scalars.map((each) => [each.input, valueOf(each)]));
}

/** A vector from its tensors; those that are absent are zero. */
function pack(vector: StateVector, tensors: ReadonlyMap<string, Tensor>): Tensor {
  const data = new Float64Array(vector.length);
  for (const { name, offset } of vector.tensors) {
    const tensor = tensors.get(name);
    if (tensor) data.set(flatStorage.evaluate([tensor], {}).data, offset);
  }
  return f32([1, vector.length], data);
}

export class ReferenceTraining {
  readonly built: TrainingStep;
  values: Record<string, Tensor>;
  steps = 0;

  constructor(options: TrainingOptions) {
    this.built = buildTrainingStep(options);
    this.values = Object.fromEntries(this.built.state.map((vector) => [vector.name, pack(vector, this.built.initial)]));
  }

  step(
    inputs: Readonly<Record<string, Tensor>>,
    rates: { readonly lr: number; readonly momentum?: number | undefined; readonly seed?: number },
  ): Step['outputs'] {
    this.steps += 1;
    const given = { ...inputs, ...hostScalars(this.built.scalars, this.steps, rates) };
    const { outputs, next } = evaluateStep(this.built.step, given, { parameters: this.values });
    this.values = { ...this.values, ...next };
    return outputs;
  }

  evaluate(inputs: Readonly<Record<string, Tensor>>): Step['outputs'] {
    return evaluateStep(this.built.evaluate, inputs, { parameters: this.values }).outputs;
  }

  /** Every tensor of state by name. */
  tensors(): Map<string, Tensor> {
    return new Map(
      this.built.state.flatMap((vector) =>
        vector.tensors.map(({ name, shape, offset }): [string, Tensor] => {
          const flat = this.values[vector.name];
          if (!flat) throw new Error(`no value of ${vector.name}`);
          return [name, evaluateNode(makeNode(fromStorage, [vector.parameter], { offset, shape }), [flat])];
        }),
      ),
    );
  }
}
