/** What `cnnc eval` counts: classes of pictures, or classes of pixels. */
import { className } from '../../../../runtime/class-names.ts';
import { RuntimeFault } from '../../../../runtime/errors.ts';
import type { Scores } from '../../../../runtime/node/align-classes.ts';
import type { HostTensor } from '../../../../runtime/host-tensor.ts';
import { checkSizes, type Wanted } from '../../../../runtime/node/check-sizes.ts';
import { createMeter, scored } from '../../../../runtime/train/loop/metrics.ts';
import { createPreparer, type Preparer } from '../../../../runtime/train/pictures/prepare-sample.ts';
import { labelOf, type Sample } from '../../../../runtime/train/sample.ts';
import { openEvalData, type EvalData } from './data.ts';
import { figuresOfClasses, mistakeList, percent, printClasses, printConfusion } from './figures.ts';
import { imageToSample, scoresOf, type ImageModel, type Outputs } from '../../image-model.ts';
import type { Output } from '../../output.ts';
import { softmax } from '../../../../runtime/softmax.ts';
import { topIndices } from '../../ranking.ts';

/** A sample as the model takes it, and what should come out: `[1]` or `[1, H, W]` classes. */
export interface Question {
  readonly input: HostTensor;
  readonly truth: HostTensor;
  /** Where the sample comes from. */
  readonly name: string;
}

export interface Judge {
  prepare(sample: Sample): Question;
  add(outputs: Outputs, truth: HostTensor, name: string): void;
  /** The leading figure so far, as in `top-1 93.60%`. */
  leading(): string;
  /** Figures by name, each a share. */
  figures(): Readonly<Record<string, number>>;
  /** Says them; `rate` is the last part of the line. */
  report(output: Output, rate: string): void;
}

export interface JudgeOptions {
  /** Whether the matrix of labels and predictions is printed. */
  readonly confusion: boolean;
  /** How many of the worst pictures are listed. */
  readonly worst: number;
}

export const targetOf = ({ pixelClasses }: ImageModel): EvalData['target'] =>
  pixelClasses === undefined ? 'class' : 'mask';

/**
 * The data that `--data` names, and what counts on it. Throws E0906 for a model that scores nothing and for pictures that
 * do not fit it, E0714 for data with another target, and what opening the data throws.
 */
export async function openJudged(
  model: ImageModel,
  text: string,
  labels: string | undefined,
  options: JudgeOptions = { confusion: false, worst: 0 },
): Promise<{ readonly data: EvalData; readonly judge: Judge }> {
  const target = targetOf(model);
  const classes = model.pixelClasses ?? model.classes ?? 0;
  if (classes < 2) {
    const message = `the output ${model.output} is no score for each of several classes, which accuracy is measured on`;
    throw new RuntimeFault('E0906', 'input', message, 'cnnc inspect ARTIFACT shows its shape');
  }
  const data = await openEvalData(text, { labels, scores: scoresIn(model, classes), target });
  try {
    if (data.target !== target) throw otherTarget(model, target);
    await checkSizes({ ...data, name: data.account.name }, wantedOf(model, data));
    return { data, judge: (target === 'class' ? judgeClasses : judgePixels)(model, classes, data, options) };
  } catch (error) {
    await data.close();
    throw error;
  }
}

const wantedOf = ({ channels, height, width, steps }: ImageModel, { ignore }: EvalData): Wanted => ({
  shape: height === undefined || width === undefined ? undefined : [channels, height, width],
  preprocess: steps,
  augment: [],
  ignore,
});

const scoresIn = ({ name, labels }: ImageModel, classes: number): Scores => ({
  model: name,
  classes,
  names: labels.length > 0 ? labels : undefined,
});

function otherTarget({ output }: ImageModel, target: 'class' | 'mask'): RuntimeFault {
  const [found, wanted] = target === 'class' ? ['masks', 'whole pictures'] : ['a class for each picture', 'each pixel'];
  const help = 'a dataset of masks is named by its declaration, as in --data model.cnn:streets.val';
  return new RuntimeFault('E0714', 'input', `the data has ${found}, but the output ${output} scores ${wanted}`, help);
}

/** Samples from the first to `total`, `size` at a time; the next ones are decoded while those given out are computed. */
export async function* questionBatches(
  { data, judge }: { readonly data: EvalData; readonly judge: Judge },
  total: number,
  size: number,
): AsyncGenerator<readonly Question[]> {
  const read = async (from: number): Promise<Question[]> => {
    const questions: Question[] = [];
    for (let at = from; at < Math.min(from + size, total); at++) questions.push(judge.prepare(await data.read(at)));
    return questions;
  };
  let next = read(0);
  for (let from = 0; from < total; from += size) {
    const questions = await next;
    next = read(from + size);
    // Whoever stops listening is not told of it.
    next.catch(() => undefined);
    yield questions;
  }
}

/** Top five of so few classes says nothing. */
const fewClasses = 5;

function judgeClasses(model: ImageModel, classes: number, { classNames }: EvalData, options: JudgeOptions): Judge {
  const hasTop5 = classes > fewClasses;
  const meter = createMeter({ kind: 'class', classes }, ['accuracy', ...(hasTop5 ? ['top5_accuracy'] : [])]);
  const mistakes = mistakeList(options.worst);
  const nameOf = (index: number): string => className(classNames ?? namesOf(model), index);
  let [samples, right, unanswered] = [0, 0, 0];
  const figures = () => {
    // A sample without a score for every class counts as wrong.
    const { top5_accuracy = NaN } = meter.result().values;
    const answered = samples - unanswered;
    return {
      top1: right / samples,
      ...(hasTop5 ? { top5: answered === 0 ? 0 : (top5_accuracy * answered) / samples } : {}),
    };
  };
  return {
    prepare(sample) {
      const { input, name } = sample;
      const truth = { shape: [1], data: Float32Array.of(labelOf(sample)) };
      if (input.kind === 'image') return { input: imageToSample(model, input.image), truth, name };
      return { input: checkedTensor(model, { shape: input.shape, data: input.values }, name), truth, name };
    },
    add(outputs, truth, name) {
      const scores = scoresOf(model, outputs);
      const [label = -1] = truth.data;
      samples++;
      if (scores.some(Number.isNaN)) {
        unanswered++;
        return;
      }
      meter.add(scored({ shape: [1, classes], data: scores }), truth, 1);
      const [best = 0] = topIndices(scores, 1);
      if (best === label) right++;
      if (best === label || options.worst === 0) return;
      const share = (model.endsInSoftmax ? scores : softmax(scores))[best] ?? NaN;
      mistakes.add({ file: name, classes: { label: nameOf(label), found: nameOf(best) }, share });
    },
    leading: () => `top-1 ${percent(right / samples)}`,
    figures,
    report(output, rate) {
      const { top1, top5 } = figures();
      const five = top5 === undefined ? '' : `, top-5 ${percent(top5)} (${Math.round(top5 * samples)})`;
      output.data(`top-1 ${percent(top1)} (${right} of ${samples})${five}, ${rate}`);
      if (unanswered > 0) output.note(`note: ${unanswered} of ${samples} samples have scores that are not numbers`);
      const { confusion } = meter.result();
      printClasses(output, figuresOfClasses(confusion, nameOf), { by: 'recall', ignore: undefined });
      if (options.confusion) printConfusion(output, confusion, nameOf);
      mistakes.print(output);
    },
  };
}

function checkedTensor({ channels, height, width }: ImageModel, sample: HostTensor, name: string): HostTensor {
  const fits = [channels, height, width].every((size, axis) => size === undefined || size === sample.shape[axis]);
  if (fits) return sample;
  const wanted = [channels, height ?? 'any', width ?? 'any'].join(', ');
  throw new RuntimeFault('E0906', 'input', `${name} is [${sample.shape.join(', ')}], the model takes [${wanted}]`);
}

/** Resizes and crops masks as their pictures, by the nearest pixel. */
function judgePixels(
  model: ImageModel,
  classes: number,
  { ignore, classNames }: EvalData,
  options: JudgeOptions,
): Judge {
  const target = { kind: 'mask', classes, ignore } as const;
  const meter = createMeter(target, ['mean_iou', 'pixel_accuracy', 'dice']);
  const mistakes = mistakeList(options.worst);
  const nameOf = (index: number): string => className(classNames ?? namesOf(model), index);
  const { steps: preprocess, channels } = model;
  const preparerFor = (height: number, width: number): Preparer =>
    createPreparer({ shape: [channels, height, width], preprocess, augment: [], ignore });
  const isOpen = model.height === undefined || model.width === undefined;
  const fixed = preparerFor(model.height ?? 0, model.width ?? 0);
  const figures = () => {
    const { mean_iou = NaN, pixel_accuracy = NaN, dice = NaN } = meter.result().values;
    return { mean_iou, pixel_accuracy, dice };
  };
  let prepared = 0;
  return {
    prepare(sample) {
      const settled = fixed.settle(sample);
      const { height = settled.picture.height, width = settled.picture.width } = model;
      const data = new Float32Array(channels * height * width);
      const truth = new Float32Array(height * width);
      const preparer = isOpen ? preparerFor(height, width) : fixed;
      preparer.finish(settled, { seed: 0, epoch: 0, index: prepared++ }, data, truth);
      const input = { shape: [channels, height, width], data };
      return { input, truth: { shape: [1, height, width], data: truth }, name: sample.name };
    },
    add(outputs, truth, name) {
      const scores = outputs[model.output];
      if (!scores || scores.shape.slice(2).join() !== truth.shape.slice(1).join()) {
        const message = `the output ${model.output} is [${scores?.shape.join(', ')}], which scores no mask of [${truth.shape.join(', ')}]`;
        throw new RuntimeFault('E0906', 'input', message);
      }
      meter.add(scored(scores), truth, 1);
      if (options.worst > 0) {
        const own = createMeter(target, ['pixel_accuracy']);
        own.add(scored(scores), truth, 1);
        const share = 1 - (own.result().values['pixel_accuracy'] ?? NaN);
        if (share > 0) mistakes.add({ file: name, share });
      }
    },
    leading: () => `mean IoU ${percent(figures().mean_iou)}`,
    figures,
    report(output, rate) {
      const { mean_iou, pixel_accuracy, dice } = figures();
      output.data(
        `mean IoU ${percent(mean_iou)}, pixel accuracy ${percent(pixel_accuracy)}, Dice ${percent(dice)}, ${rate}`,
      );
      const { confusion } = meter.result();
      printClasses(output, figuresOfClasses(confusion, nameOf), { by: 'iou', ignore });
      if (options.confusion) printConfusion(output, confusion, nameOf);
      mistakes.print(output);
    },
  };
}

const namesOf = ({ labels }: ImageModel): readonly string[] | undefined => (labels.length > 0 ? labels : undefined);
