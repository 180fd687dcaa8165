/** `cnnc eval`: how good an artifact is on a labelled dataset: top-1 and top-5 accuracy, or overlap of masks. */
import type { Manifest } from '../../runtime/artifact.ts';
import { measuredLine } from '../../runtime/node/data-account.ts';
import { readArtifact } from '../../runtime/node/read-artifact.ts';
import { checkAssertions, parseAssertions } from './assertions.ts';
import type { Figures } from './budgets.ts';
import type { Configure, Context } from './command.ts';
import type { EvalData } from './eval-data.ts';
import { openJudged, questionBatches, targetOf, type Judge } from './eval-judges.ts';
import { exitCodes, type ExitCode } from './failure.ts';
import { integerFlag, listFlag } from './flags.ts';
import { imageModel, runSamples, type ImageModel } from './image-model.ts';
import { missedLines, qualityFigures, referencesOf } from './measured-budgets.ts';
import { artifactFlags, withSession, type ArtifactFlags, type OpenArtifact } from './open-session.ts';
import { tellData } from './tell-data.ts';
import { formatDigits } from './text.ts';

interface EvalFlags extends ArtifactFlags {
  readonly data: string;
  readonly labels?: string;
  readonly limit?: number;
  readonly batch: number;
  readonly assert?: readonly string[];
}

export const configureEval: Configure = (command, act) => {
  artifactFlags(command)
    .argument('<artifact>', 'artifact folder')
    .requiredOption(
      '--data <format:path>',
      'cifar-binary, idx, image-folder, npy or npz, and where the data lies; or FILE.cnn:DATASET[.SPLIT]',
    )
    .option('--labels <file>', 'labels: lines of `file class` for a folder of images, else a file of the same format')
    .option('--limit <n>', 'only the first samples', integerFlag('--limit', 1))
    .option('--batch <n>', 'samples in a run', integerFlag('--batch', 1), 32)
    .option('--assert <limit>', 'fail with exit code 4 unless, as in "top1>=0.9"; can be repeated', listFlag)
    .addHelpText(
      'after',
      '\nFILE.cnn:DATASET is a dataset that a source declares: with masks or generated ones, too; of its splits the\n' +
        'one that is named, else the first there is of test, val and train.\n' +
        'Budget lines of the source on accuracy, and on its drop against a stage, hold on the data that is given here;\n' +
        'exit code 4 where one is missed.',
    )
    .action((artifact: string, flags: EvalFlags) => act((context) => evaluate(context, artifact, flags)));
};

const share = { units: ['%'] } as const;
const samples = { key: 'samples', units: [] } as const;
const metrics = {
  class: { top1: { key: 'top1', ...share }, top5: { key: 'top5', ...share }, samples },
  mask: {
    mean_iou: { key: 'mean_iou', ...share },
    pixel_accuracy: { key: 'pixel_accuracy', ...share },
    dice: { key: 'dice', ...share },
    samples,
  },
} as const;

async function evaluate(context: Context, folder: string, flags: EvalFlags): Promise<ExitCode> {
  const artifact = await readArtifact(folder);
  const model = imageModel(artifact);
  const assertions = parseAssertions(flags.assert ?? [], metrics[targetOf(model)]);
  // Before a GPU is looked for: what is wrong with the data is told at once.
  const { data, judge } = await openJudged(model, flags.data, flags.labels);
  tellData(context.output, measuredLine(data.account, data.part), data.account, data.notes);
  try {
    const summary = await withSession(context, artifact, folder, flags, (open) =>
      measure(context, open, model, data, judge, flags),
    );
    checkAssertions(assertions, summary);
    const missed = missedLines(artifact.manifest, budgetFigures(judge.figures(), artifact.manifest));
    context.output.diagnostics(missed);
    if (missed.length > 0) return exitCodes.assertion;
  } finally {
    await data.close();
  }
  return exitCodes.ok;
}

/** What the data given here says of `val.accuracy`, `test.mean_iou`, ... and of drops. */
function budgetFigures(figures: Readonly<Record<string, number>>, manifest: Manifest): Figures {
  const names: Readonly<Record<string, string>> = { top1: 'accuracy', top5: 'top5_accuracy' };
  const { pixel_accuracy } = figures;
  const all = { ...figures, ...(pixel_accuracy === undefined ? {} : { accuracy: pixel_accuracy }) };
  const named = ['', 'train.', 'val.', 'test.'].flatMap((split) =>
    Object.entries(all).map(([name, value]): [string, number] => [`${split}${names[name] ?? name}`, value]),
  );
  return qualityFigures(Object.fromEntries(named), referencesOf(manifest));
}

async function measure(
  { output }: Context,
  { session, opened }: OpenArtifact,
  model: ImageModel,
  data: EvalData,
  judge: Judge,
  { limit, batch }: EvalFlags,
) {
  const total = Math.min(data.size, limit ?? data.size);
  const started = performance.now();
  let done = 0;
  for await (const questions of questionBatches({ data, judge }, total, model.fixedBatch ?? batch)) {
    const inputs = questions.map(({ input }) => input);
    const rows = await runSamples(session, model, inputs, batch);
    for (const [index, { truth }] of questions.entries()) judge.add(rows[index] ?? {}, truth);
    done += inputs.length;
    const rate = (done / (performance.now() - started)) * 1000;
    const eta = `${Math.ceil((total - done) / rate)} s`;
    output.progress(`${done} of ${total}, ${judge.leading()}, ${formatDigits(rate)} images/s, ${eta} left`, {
      done,
      total,
    });
  }
  output.progress('');
  const seconds = (performance.now() - started) / 1000;
  const summary = { ...judge.figures(), samples: total, images_per_s: total / seconds };
  judge.report(output, `${formatDigits(summary.images_per_s)} images/s`);
  output.event({ type: 'summary', ...summary, adapter: opened.info.description || opened.info.device });
  return summary;
}
