/** The runs of `golden/train/distill.json` as options of a training step and inputs of its steps. */
import { readFileSync } from 'node:fs';
import { elementCount, type Tensor } from '../../compiler/ir/type.ts';
import type { Teacher } from '../../compiler/train/teacher.ts';
import type { TrainingOptions } from '../../compiler/train/training-options.ts';
import { f32 } from '../ops/check-op.ts';
import { graphOf, plainRun, scalar } from './reference-training.ts';

interface Recorded {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
type Weights = Readonly<Record<string, Recorded>>;

export interface DistillRun {
  readonly net: string;
  readonly options: Pick<TrainingOptions, 'optimizer'> & Partial<TrainingOptions> & { readonly ignore?: number };
  readonly teacher: Pick<Teacher, 'alpha' | 'temperature' | 'hints'> | null;
  readonly target: string;
  readonly other: string | null;
  readonly lr: readonly number[];
  readonly loss: readonly number[];
  readonly labelLoss: readonly number[];
  readonly gradNorm: readonly number[];
  readonly masks: Weights;
  readonly final: Weights;
}

interface Fixture {
  readonly images: Recorded;
  readonly targets: Weights;
  readonly lambdas: readonly number[];
  readonly start: Readonly<Record<string, { readonly student: Weights; readonly teacher: Weights }>>;
  readonly projections: Weights;
  readonly runs: Readonly<Record<string, DistillRun>>;
}

const fixture = JSON.parse(readFileSync(new URL('../golden/train/distill.json', import.meta.url), 'utf8')) as Fixture;

export const { runs } = fixture;

const tensorsOf = (weights: Weights | undefined): Map<string, Tensor> =>
  new Map(Object.entries(weights ?? {}).map(([name, { shape, data }]) => [name, f32(shape, data)]));

/** The sample of a step. */
function at(recorded: Recorded | undefined, index: number): Tensor {
  if (!recorded) throw new Error('the fixture lacks a tensor');
  const shape = recorded.shape.slice(1);
  const size = elementCount(shape);
  return f32(shape, recorded.data.slice(index * size, (index + 1) * size));
}

const targets = {
  ClassNet: { kind: 'class', classes: 3 },
  MaskNet: { kind: 'mask', classes: 3 },
  ScoreNet: { kind: 'class', classes: 2 },
} as const;

export function optionsOf({ net, options: { ignore, ...options }, teacher, masks }: DistillRun): TrainingOptions {
  const { student, teacher: taught } = fixture.start[net] ?? {};
  const target = targets[net as keyof typeof targets];
  const projections = (teacher?.hints ?? []).flatMap((hint, index): [string, Tensor][] => {
    const weight = fixture.projections[hint.student];
    return weight ? [[`hints.${index}.weight`, f32(weight.shape, weight.data)]] : [];
  });
  return {
    ...plainRun,
    graph: graphOf('distill-nets.cnn', net),
    weights: new Map([...tensorsOf(student), ...projections]),
    batch: 4,
    ...(net === 'MaskNet' ? { imageSize: [6, 6] as const } : {}),
    target: { ...target, ignore },
    ...(teacher
      ? { teacher: { graph: graphOf('distill-nets.cnn', net, { width: '5' }), weights: tensorsOf(taught), ...teacher } }
      : {}),
    masks: tensorsOf(masks),
    ...options,
  };
}

/** Image, labels, and with mixup the other labels and their share. */
export function inputsOf({ target, other }: DistillRun, index: number): Record<string, Tensor> {
  return {
    image: at(fixture.images, index),
    labels: at(fixture.targets[target], index),
    ...(other === null
      ? {}
      : { labels2: at(fixture.targets[other], index), lambda: scalar(fixture.lambdas[index] ?? Number.NaN) }),
  };
}
