/** `cnnc eval`: how good an artifact is on a labelled dataset: top-1 and top-5 accuracy, or overlap of masks. */
import type { Artifact } from '../../../runtime/artifact.ts';
import type { OpenedDevice } from '../../../runtime/node/device/device.ts';
import type { Session } from '../../../runtime/session.ts';
import { measuredLine } from '../../../runtime/node/data-account.ts';
import { pathFormats } from '../../../runtime/train/data-formats.ts';
import { readBuilt } from '../read-built.ts';
import { checkAssertions, parseAssertions } from '../assertions.ts';
import type { Figures } from '../../driver/budgets.ts';
import type { Configure, Context } from '../command.ts';
import type { EvalData } from './eval/data.ts';
import { openJudged, questionBatches, targetOf, type Judge } from './eval/judges.ts';
import { exitCodes, type ExitCode } from '../../driver/failure.ts';
import { integerFlag, listFlag } from '../flags.ts';
import { imageModel, runSamples, type ImageModel } from '../image-model.ts';
import { referencesFor, stagesInDrops, type Reference, type ReferenceFlags } from './eval/references.ts';
import { missedLines, qualityFigures, type References } from '../../driver/measured-budgets.ts';
import { artifactFlags, sessionFor, withDevice, type ArtifactFlags, type OpenArtifact } from '../open-session.ts';
import { tellData } from '../../stages/run/data-line.ts';
import { classesTaken } from './eval/limit-note.ts';
import { formatDigits, oneOf } from '../../driver/text.ts';

interface EvalFlags extends ReferenceFlags, ArtifactFlags {
  readonly confusion?: boolean;
  readonly worst?: number;
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
      `${oneOf(pathFormats)}, and where the data lies; or FILE.cnn:DATASET[.SPLIT]`,
    )
    .option('--labels <file>', 'labels: lines of `file class` for a folder of images, else a file of the same format')
    .option('--limit <n>', 'only the first samples, in the order of the data', integerFlag('--limit', 1))
    .option('--batch <n>', 'samples in a run', integerFlag('--batch', 1), 32)
    .option('--confusion', 'print which classes are taken for which; of many classes, the most frequent mistakes')
    .option('--worst <n>', 'list the N samples that the model was most sure of, and wrong', integerFlag('--worst', 1))
    .option('--against <artifact>', 'artifact of a stage that a budget drop(STAGE) names; can be repeated', listFlag)
    .option('--runs <dir>', 'where such stages lie otherwise, as in cnnc train -o', 'runs')
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

/** Top five of few classes is no figure. */
function figuresOf(model: ImageModel): Parameters<typeof parseAssertions>[1] {
  const target = targetOf(model);
  const { top5, ...rest } = metrics.class;
  if (target === 'mask') return metrics.mask;
  return (model.classes ?? 0) > 5 ? { ...rest, top5 } : rest;
}

async function evaluate(context: Context, folder: string, flags: EvalFlags): Promise<ExitCode> {
  const artifact = await readBuilt(folder);
  const model = imageModel(artifact);
  const assertions = parseAssertions(flags.assert ?? [], figuresOf(model));
  const references = await referencesFor(artifact, flags);
  // Before a GPU is looked for: what is wrong with the data is told at once.
  const { data, judge } = await openJudged(model, flags.data, flags.labels, {
    confusion: flags.confusion ?? false,
    worst: flags.worst ?? 0,
  });
  tellData(context.output, measuredLine(data.account, data.part), data.account, data.notes);
  try {
    const { summary, accuracies } = await withDevice(context, flags, async (opened) => {
      const own = await measured(opened, { artifact, folder, flags }, (session) =>
        measure(context, { session, opened }, model, data, judge, flags),
      );
      return { summary: own, accuracies: await accuraciesOf(context, opened, references, flags) };
    });
    context.output.event({ type: 'summary', ...summary });
    checkAssertions(assertions, summary);
    for (const stage of stagesInDrops(artifact.manifest).filter((name) => !accuracies.has(name))) {
      const help = 'give its artifact with --against DIR, or the folder of the stages with --runs DIR';
      context.output.note(
        `note: \`drop(${stage})\` is not judged, for ${stage} cannot be measured on this data; ${help}`,
      );
    }
    const missed = missedLines(
      artifact.manifest,
      budgetFigures(judge.figures(), (stage) => accuracies.get(stage)),
    );
    context.output.diagnostics(missed);
    if (missed.length > 0) return exitCodes.assertion;
  } finally {
    await data.close();
  }
  return exitCodes.ok;
}

/** What the data given here says of `val.accuracy`, `test.mean_iou`, ... and of drops. */
function budgetFigures(figures: Readonly<Record<string, number>>, references: References): Figures {
  const names: Readonly<Record<string, string>> = { top1: 'accuracy', top5: 'top5_accuracy' };
  const { pixel_accuracy } = figures;
  const all = { ...figures, ...(pixel_accuracy === undefined ? {} : { accuracy: pixel_accuracy }) };
  const named = ['', 'train.', 'val.', 'test.'].flatMap((split) =>
    Object.entries(all).map(([name, value]): [string, number] => [`${split}${names[name] ?? name}`, value]),
  );
  return qualityFigures(Object.fromEntries(named), references);
}

async function measured<T>(
  opened: OpenedDevice,
  { artifact, folder, flags }: { readonly artifact: Artifact; readonly folder: string; readonly flags: ArtifactFlags },
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await sessionFor(opened, artifact, folder, flags);
  try {
    return await work(session);
  } finally {
    session.dispose();
  }
}

/** What other stages reach on the same samples: budgets compare like with like. */
async function accuraciesOf(
  context: Context,
  opened: OpenedDevice,
  references: readonly Reference[],
  flags: EvalFlags,
): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (const { stage, artifact, place } of references) {
    const model = imageModel(artifact);
    const { data, judge } = await openJudged(model, flags.data, flags.labels);
    try {
      await measured(opened, { artifact, folder: place, flags }, (session) =>
        ask(context, { session, model, data, judge }, flags),
      );
    } finally {
      await data.close();
    }
    const { top1, pixel_accuracy } = judge.figures();
    const accuracy = top1 ?? pixel_accuracy;
    if (accuracy === undefined) continue;
    found.set(stage, accuracy);
    context.output.data(`\n${stage}: ${judge.leading()} on the same samples`);
    context.output.event({ type: 'metric', kind: 'reference', stage, accuracy });
  }
  return found;
}

interface Asked {
  readonly session: Session;
  readonly model: ImageModel;
  readonly data: EvalData;
  readonly judge: Judge;
}

/** Puts all questions to a session, and shows how it goes. Gives their number, and what is to be said of `--limit`. */
async function ask(
  { output }: Context,
  { session, model, data, judge }: Asked,
  { limit, batch }: EvalFlags,
): Promise<{ readonly total: number; readonly note: string }> {
  const taken = classesTaken(data);
  const total = Math.min(data.size, limit ?? data.size);
  const started = performance.now();
  let done = 0;
  for await (const questions of questionBatches({ data, judge }, total, model.fixedBatch ?? batch)) {
    const inputs = questions.map(({ input }) => input);
    const rows = await runSamples(session, model, inputs, batch);
    for (const [index, { truth, name }] of questions.entries()) judge.add(rows[index] ?? {}, truth, name);
    taken.add(questions);
    done += inputs.length;
    const rate = (done / (performance.now() - started)) * 1000;
    const eta = `${Math.ceil((total - done) / rate)} s`;
    output.progress(`${done} of ${total}, ${judge.leading()}, ${formatDigits(rate)} images/s, ${eta} left`, {
      done,
      total,
    });
  }
  output.progress('');
  return { total, note: taken.text(total) };
}

async function measure(
  context: Context,
  { session, opened }: Pick<OpenArtifact, 'session' | 'opened'>,
  model: ImageModel,
  data: EvalData,
  judge: Judge,
  flags: EvalFlags,
) {
  const { output } = context;
  const started = performance.now();
  const { total, note } = await ask(context, { session, model, data, judge }, flags);
  const seconds = (performance.now() - started) / 1000;
  const summary = { ...judge.figures(), samples: total, images_per_s: total / seconds };
  judge.report(output, `${formatDigits(summary.images_per_s)} images/s`);
  if (note !== '') output.note(note);
  return { ...summary, adapter: opened.info.description || opened.info.device };
}
