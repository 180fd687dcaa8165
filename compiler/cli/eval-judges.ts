/** What `cnnc eval` counts: classes of pictures, or classes of pixels. */
import { RuntimeFault } from '../../runtime/errors.ts';
import type { Scores } from '../../runtime/node/align-classes.ts';
import type { HostTensor } from '../../runtime/host-tensor.ts';
import { createMeter, iouOfClasses, scored } from '../../runtime/train/metrics.ts';
import { createPreparer, type Preparer } from '../../runtime/train/prepare-sample.ts';
import { labelOf, type Sample } from '../../runtime/train/sample.ts';
import { openEvalData, type EvalData } from './eval-data.ts';
import { imageToSample, scoresOf, type ImageModel, type Outputs } from './image-model.ts';
import type { Output } from './output.ts';
import { topIndices } from './ranking.ts';
import { formatDigits, formatTable } from './text.ts';

/** A sample as the model takes it, and what should come out: `[1]` or `[1, H, W]` classes. */
export interface Question {
  readonly input: HostTensor;
  readonly truth: HostTensor;
}

export interface Judge {
  prepare(sample: Sample): Question;
  add(outputs: Outputs, truth: HostTensor): void;
  /** The leading figure so far, as in `top-1 93.60%`. */
  leading(): string;
  /** Figures by name, each a share. */
  figures(): Readonly<Record<string, number>>;
  /** Says them; `rate` is the last part of the line. */
  report(output: Output, rate: string): void;
}

export const targetOf = ({ pixelClasses }: ImageModel): EvalData['target'] =>
  pixelClasses === undefined ? 'class' : 'mask';

/**
 * The data that `--data` names, and what counts on it. Throws E0906 for a model that scores nothing, E0714 for data with
 * another target, and what opening the data throws.
 */
export async function openJudged(
  model: ImageModel,
  text: string,
  labels: string | undefined,
): Promise<{ readonly data: EvalData; readonly judge: Judge }> {
  const target = targetOf(model);
  const classes = model.pixelClasses ?? model.classes ?? 0;
  if (classes < 2) {
    const message = `the output ${model.output} is no score for each of several classes, which accuracy is measured on`;
    throw new RuntimeFault('E0906', 'input', message, 'cnnc inspect ARTIFACT shows its shape');
  }
  const data = await openEvalData(text, { labels, scores: scoresIn(model, classes), target });
  if (data.target === target) {
    return { data, judge: target === 'class' ? judgeClasses(model) : judgePixels(model, classes, data) };
  }
  await data.close();
  throw otherTarget(model, target);
}

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

const percent = (fraction: number): string => `${(fraction * 100).toFixed(2)}%`;

function judgeClasses(model: ImageModel): Judge {
  let [samples, top1, top5] = [0, 0, 0];
  return {
    prepare(sample) {
      const { input, name } = sample;
      const truth = { shape: [1], data: Float32Array.of(labelOf(sample)) };
      if (input.kind === 'image') return { input: imageToSample(model, input.image), truth };
      return { input: checkedTensor(model, { shape: input.shape, data: input.values }, name), truth };
    },
    add(outputs, { data: [label] }) {
      const [best, ...others] = topIndices(scoresOf(model, outputs), 5);
      samples++;
      if (best === label) top1++;
      if (best === label || others.some((other) => other === label)) top5++;
    },
    leading: () => `top-1 ${percent(top1 / samples)}`,
    figures: () => ({ top1: top1 / samples, top5: top5 / samples }),
    report: (output, rate) =>
      output.data(
        `top-1 ${percent(top1 / samples)} (${top1} of ${samples}), top-5 ${percent(top5 / samples)} (${top5}), ${rate}`,
      ),
  };
}

function checkedTensor({ channels, height, width }: ImageModel, sample: HostTensor, name: string): HostTensor {
  const fits = [channels, height, width].every((size, axis) => size === undefined || size === sample.shape[axis]);
  if (fits) return sample;
  const wanted = [channels, height ?? 'any', width ?? 'any'].join(', ');
  throw new RuntimeFault('E0906', 'input', `${name} is [${sample.shape.join(', ')}], the model takes [${wanted}]`);
}

/** Resizes and crops masks as their pictures, by the nearest pixel. */
function judgePixels(model: ImageModel, classes: number, { ignore, classNames }: EvalData): Judge {
  const meter = createMeter({ kind: 'mask', classes, ignore }, ['mean_iou', 'pixel_accuracy', 'dice']);
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
      return { input: { shape: [channels, height, width], data }, truth: { shape: [1, height, width], data: truth } };
    },
    add(outputs, truth) {
      const scores = outputs[model.output];
      if (!scores || scores.shape.slice(2).join() !== truth.shape.slice(1).join()) {
        const message = `the output ${model.output} is [${scores?.shape.join(', ')}], which scores no mask of [${truth.shape.join(', ')}]`;
        throw new RuntimeFault('E0906', 'input', message);
      }
      meter.add(scored(scores), truth, 1);
    },
    leading: () => `mean IoU ${percent(figures().mean_iou)}`,
    figures,
    report(output, rate) {
      const { mean_iou, pixel_accuracy, dice } = figures();
      output.data(
        `mean IoU ${percent(mean_iou)}, pixel accuracy ${percent(pixel_accuracy)}, Dice ${percent(dice)}, ${rate}`,
      );
      const names = classNames ?? model.labels;
      const rows = iouOfClasses(meter.result().confusion).map((iou, at) => ({ name: names[at] ?? `class ${at}`, iou }));
      output.data(
        formatTable(
          rows.map(({ name, iou }) => [name, formatDigits(iou)]),
          [1],
        ),
      );
      for (const { name, iou } of rows) output.event({ type: 'metric', kind: 'class', name, iou });
    },
  };
}
