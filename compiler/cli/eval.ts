/** `cnnc eval`: top-1 and top-5 accuracy of an artifact on a labelled dataset. */
import type { Manifest } from '../../runtime/artifact.ts';
import { RuntimeFault } from '../../runtime/errors.ts';
import type { Dataset } from '../../runtime/node/datasets/dataset.ts';
import { openDataset, parseDataArgument } from '../../runtime/node/datasets/open-dataset.ts';
import { readArtifact } from '../../runtime/node/read-artifact.ts';
import { labelOf } from '../../runtime/train/sample.ts';
import { checkAssertions, parseAssertions } from './assertions.ts';
import type { Figures } from './budgets.ts';
import type { Configure, Context } from './command.ts';
import { exitCodes, type ExitCode } from './failure.ts';
import { integerFlag, listFlag } from './flags.ts';
import { imageModel, imageToSample, runSamples, scoresOf, type ImageModel, type Sample } from './image-model.ts';
import { missedLines, qualityFigures, referencesOf } from './measured-budgets.ts';
import { withSession, type OpenArtifact } from './open-session.ts';
import { topIndices } from './ranking.ts';
import { formatDigits } from './text.ts';

interface EvalFlags {
  readonly data: string;
  readonly labels?: string;
  readonly limit?: number;
  readonly batch: number;
  readonly assert?: readonly string[];
}

export const configureEval: Configure = (command, act) => {
  command
    .argument('<artifact>', 'artifact folder')
    .requiredOption('--data <format:path>', 'cifar-binary, idx, image-folder, npy or npz, and where the data lies')
    .option('--labels <file>', 'labels: lines of `file class` for a folder of images, else a file of the same format')
    .option('--limit <n>', 'only the first samples', integerFlag('--limit', 1))
    .option('--batch <n>', 'samples in a run', integerFlag('--batch', 1), 32)
    .option('--assert <limit>', 'fail with exit code 4 unless, as in "top1>=0.9"; can be repeated', listFlag)
    .addHelpText(
      'after',
      '\nBudget lines of the source on accuracy, and on its drop against a stage, hold on the data that is given here;\n' +
        'exit code 4 where one is missed.',
    )
    .action((artifact: string, flags: EvalFlags) => act((context) => evaluate(context, artifact, flags)));
};

const metrics = {
  top1: { key: 'top1', units: ['%'] },
  top5: { key: 'top5', units: ['%'] },
  samples: { key: 'samples', units: [] },
} as const;

async function evaluate(context: Context, folder: string, flags: EvalFlags): Promise<ExitCode> {
  const assertions = parseAssertions(flags.assert ?? [], metrics);
  const { format, path } = parseDataArgument(flags.data);
  const artifact = await readArtifact(folder);
  const model = imageModel(artifact);
  if (model.classes === undefined || model.classes < 2) {
    const message = `the output ${model.output} is no score for each of several classes, which accuracy is measured on`;
    throw new RuntimeFault('E0906', 'input', message, 'cnnc inspect ARTIFACT shows its shape');
  }
  // Before a GPU is looked for: what is wrong with the data is told at once.
  const dataset = await openDataset(format, path, { labels: flags.labels, classes: model.classes });
  try {
    const summary = await withSession(context, artifact, folder, (open) =>
      measure(context, open, model, dataset, flags),
    );
    checkAssertions(assertions, summary);
    const missed = missedLines(artifact.manifest, accuracyFigures(summary, artifact.manifest));
    context.output.diagnostics(missed);
    if (missed.length > 0) return exitCodes.assertion;
  } finally {
    await dataset.close();
  }
  return exitCodes.ok;
}

/** What the data given here says of `val.accuracy`, `test.top5_accuracy`, ... and of drops. */
function accuracyFigures(
  { top1, top5 }: { readonly top1: number; readonly top5: number },
  manifest: Manifest,
): Figures {
  const named = ['', 'train.', 'val.', 'test.'].flatMap((split) => [
    [`${split}accuracy`, top1],
    [`${split}top5_accuracy`, top5],
  ]);
  return qualityFigures(Object.fromEntries(named), referencesOf(manifest));
}

interface Batch {
  readonly inputs: readonly Sample[];
  readonly labels: readonly number[];
}

async function readBatch(model: ImageModel, dataset: Dataset, from: number, to: number): Promise<Batch> {
  const inputs: Sample[] = [];
  const labels: number[] = [];
  for (let index = from; index < to; index++) {
    const sample = await dataset.read(index);
    const { input, name } = sample;
    labels.push(labelOf(sample));
    if (input.kind === 'image') inputs.push(imageToSample(model, input.image));
    else inputs.push(checkedTensor(model, { shape: input.shape, data: input.values }, name));
  }
  return { inputs, labels };
}

function checkedTensor({ channels, height, width }: ImageModel, sample: Sample, name: string): Sample {
  const fits = [channels, height, width].every((size, axis) => size === undefined || size === sample.shape[axis]);
  if (fits) return sample;
  const wanted = [channels, height ?? 'any', width ?? 'any'].join(', ');
  throw new RuntimeFault('E0906', 'input', `${name} is [${sample.shape.join(', ')}], the model takes [${wanted}]`);
}

async function measure(
  { output }: Context,
  { session, opened }: OpenArtifact,
  model: ImageModel,
  dataset: Dataset,
  { limit, batch }: EvalFlags,
) {
  const total = Math.min(dataset.size, limit ?? dataset.size);
  const size = model.fixedBatch ?? batch;
  const started = performance.now();
  let [done, top1, top5] = [0, 0, 0];
  let next = readBatch(model, dataset, 0, Math.min(size, total));
  while (done < total) {
    const { inputs, labels } = await next;
    const running = runSamples(session, model, inputs, batch);
    const to = done + inputs.length;
    // Images are decoded while the device computes.
    next = readBatch(model, dataset, to, Math.min(to + size, total));
    next.catch(() => undefined);
    const rows = await running;
    rows.forEach((row, index) => {
      const [best, ...others] = topIndices(scoresOf(model, row), 5);
      const label = labels[index];
      if (best === label) top1++;
      if (best === label || others.some((other) => other === label)) top5++;
    });
    done = to;
    const rate = (done / (performance.now() - started)) * 1000;
    const eta = `${Math.ceil((total - done) / rate)} s`;
    output.progress(`${done} of ${total}, top-1 ${percent(top1 / done)}, ${formatDigits(rate)} images/s, ${eta} left`, {
      done,
      total,
    });
  }
  output.progress('');
  const seconds = (performance.now() - started) / 1000;
  const summary = { top1: top1 / total, top5: top5 / total, samples: total, images_per_s: total / seconds };
  const adapter = opened.info.description || opened.info.device;
  output.data(
    `top-1 ${percent(summary.top1)} (${top1} of ${total}), top-5 ${percent(summary.top5)} (${top5}), ${formatDigits(summary.images_per_s)} images/s`,
  );
  output.event({ type: 'summary', ...summary, adapter });
  return summary;
}

const percent = (fraction: number): string => `${(fraction * 100).toFixed(2)}%`;
