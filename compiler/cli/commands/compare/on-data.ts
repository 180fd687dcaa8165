/** `cnnc compare A B --data ...`: how far the outputs of an artifact are from those of another, over real samples. */
import { matchClasses } from '../../../../runtime/class-names.ts';
import { measuredLine } from '../../../../runtime/node/data-account.ts';
import { readBuilt } from '../../read-built.ts';
import { predictedClasses } from '../../../../runtime/train/loop/metrics.ts';
import { checkAssertions, parseAssertions } from '../../assertions.ts';
import type { Context } from '../../command.ts';
import { openJudged, questionBatches } from '../eval/judges.ts';
import { exitCodes, usageError, type ExitCode } from '../../../driver/failure.ts';
import { imageModel, runSamples, type ImageModel, type Outputs } from '../../image-model.ts';
import { classesTaken } from '../eval/limit-note.ts';
import { sessionFor, withDevice, type ArtifactFlags } from '../../open-session.ts';
import { tellData } from '../../../stages/run/data-line.ts';
import { formatDigits, formatInteger } from '../../../driver/text.ts';

export interface DataFlags extends ArtifactFlags {
  readonly labels?: string;
  readonly limit?: number;
  readonly batch?: number;
  readonly assert?: readonly string[];
}

const metrics = {
  sqnr: { key: 'sqnr_db', units: [] },
  agreement: { key: 'agreement', units: ['%'] },
} as const;

/** Samples in a run where the command does not say. */
const usualBatch = 32;

/** The first artifact is the one in question, the second the reference. */
export async function compareOnData(
  context: Context,
  [folder, reference]: readonly [string, string],
  text: string,
  flags: DataFlags,
): Promise<ExitCode> {
  const assertions = parseAssertions(flags.assert ?? [], metrics);
  const artifacts = [await readBuilt(folder), await readBuilt(reference)] as const;
  const [model, other] = [imageModel(artifacts[0]), imageModel(artifacts[1])];
  checkAlike(reference, model, other);
  const inOrder = orderOf(model, other);
  const judged = await openJudged(other, text, flags.labels);
  const { data } = judged;
  tellData(context.output, measuredLine(data.account, data.part), data.account, data.notes);
  try {
    const figures = await withDevice(context, flags, async (opened) => {
      const session = await sessionFor(opened, artifacts[0], folder, flags);
      const wantedSession = await sessionFor(opened, artifacts[1], reference, flags);
      const gathered = createDifference();
      const total = Math.min(data.size, flags.limit ?? data.size);
      const size = model.fixedBatch ?? flags.batch ?? usualBatch;
      const taken = classesTaken(data);
      let done = 0;
      for await (const questions of questionBatches(judged, total, size)) {
        const inputs = questions.map(({ input }) => input);
        const actual = await runSamples(session, model, inputs, size);
        const wanted = await runSamples(wantedSession, other, inputs, size);
        questions.forEach((_, at) => gathered.add(inOrder(actual[at]?.[model.output]), wanted[at]?.[other.output]));
        taken.add(questions);
        done += questions.length;
        context.output.progress(`${done} of ${total}`, { done, total });
      }
      context.output.progress('');
      const note = taken.text(total);
      if (note !== '') context.output.note(note);
      session.dispose();
      wantedSession.dispose();
      return { ...gathered.figures(), samples: total };
    });
    const { sqnr_db, agreement, largest, magnitude, samples } = figures;
    context.output.data(
      `${formatInteger(samples)} samples: ${largest === 0 ? 'no noise' : `${sqnr_db.toFixed(1)} dB of signal over noise`}, ` +
        `${(agreement * 100).toFixed(2)}% with the same class; the largest difference is ${formatDigits(largest)}, ` +
        `the largest value ${formatDigits(magnitude)}`,
    );
    context.output.event({ type: 'summary', ...figures });
    checkAssertions(assertions, figures);
  } finally {
    await data.close();
  }
  return exitCodes.ok;
}

/** Brings the scores of the first into the order of the reference's classes. Throws E0714 where these are others. */
function orderOf(
  model: ImageModel,
  other: ImageModel,
): (scores: Outputs[string] | undefined) => Outputs[string] | undefined {
  if (model.labels.length === 0 || other.labels.length === 0) return (scores) => scores;
  const [own, its] = [
    { who: 'the artifact', names: model.labels },
    { who: 'the reference', names: other.labels },
  ];
  const { map, isSame } = matchClasses(own, its);
  matchClasses(its, own);
  // A single score is for the second of two classes: it has no other order.
  if (isSame) return (scores) => scores;
  return (scores) => {
    if (!scores) return scores;
    const classes = scores.shape[1] ?? 1;
    if (classes !== map.length) throw usageError('the two artifacts name the two classes of one score in other orders');
    const plane = scores.data.length / classes;
    const data = new Float32Array(scores.data.length);
    map.forEach((to, from) => data.set(scores.data.subarray(from * plane, (from + 1) * plane), to * plane));
    return { shape: scores.shape, data };
  };
}

function checkAlike(reference: string, model: ImageModel, other: ImageModel): void {
  const [own, its] = [model, other].map(({ channels, height, width, classes, pixelClasses, fixedBatch }) =>
    [channels, height ?? 'any', width ?? 'any', classes ?? pixelClasses ?? 'no', fixedBatch ?? 'any'].join(' '),
  );
  if (own !== its) throw usageError(`${reference} takes or gives other shapes: they are of different models`);
}

/** `10 log10(sum x^2 / sum (x - y)^2)` of reference x and y, and the share of classes on which both agree. */
function createDifference() {
  let [signal, noise, largest, magnitude, same, classes] = [0, 0, 0, 0, 0, 0];
  return {
    add(actual: Outputs[string] | undefined, wanted: Outputs[string] | undefined): void {
      if (!actual || !wanted) throw new RangeError('both sessions give the output');
      wanted.data.forEach((x, at) => {
        const difference = Math.abs(x - (actual.data[at] ?? NaN));
        signal += x ** 2;
        noise += difference ** 2;
        largest = Math.max(largest, difference);
        magnitude = Math.max(magnitude, Math.abs(x));
      });
      const found = predictedClasses(actual).data;
      predictedClasses(wanted).data.forEach((label, at) => (same += label === found[at] ? 1 : 0));
      classes += found.length;
    },
    figures: () => ({ sqnr_db: 10 * Math.log10(signal / noise), agreement: same / classes, largest, magnitude }),
  };
}
