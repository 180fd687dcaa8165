/** The demo: builds a small network with weights that it makes, runs it on images that it generates, and reports. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OpenedDevice } from '../../runtime/node/device.ts';
import { writeFolderAtomically } from '../../runtime/node/write-folder.ts';
import { createSession, type Session } from '../../runtime/session.ts';
import { artifactFiles } from '../emit/write-artifact.ts';
import { evaluateGraph } from '../ir/evaluate.ts';
import type { Tensor } from '../ir/type.ts';
import { relativeDifference } from '../passes/verify-pass.ts';
import { buildFigures, buildReport } from './build-report.ts';
import type { Configure, Context } from './command.ts';
import { compileSource, computedNodes, type SourceCompilation } from './compile-source.ts';
import { drawImage, shapeImage, shapeNames, type LabelledImage } from './demo-images.ts';
import { channelStatistics, fitReadout, formulaWeights, type Weights } from './demo-weights.ts';
import { exitCodes, type ExitCode } from './failure.ts';
import { imageModel, imageToSample, runSamples, scoresOf, type ImageModel } from './image-model.ts';
import { withDevice } from './open-session.ts';
import { softmax, topIndices } from './ranking.ts';
import { loadModel, type SourceModel } from './source-model.ts';
import { formatDigits, formatMs } from './text.ts';

export const configureDemo: Configure = (command, act) => {
  command.action(() => act(demo));
};

const folder = 'build/demo';
const [fitted, settled, tested, drawn] = [1200, 96, 400, 8];
/** Test images have a seed of their own, so that none of them was fitted. */
const testSeed = 1_000_003;

async function demo(context: Context): Promise<ExitCode> {
  const { output, seed } = context;
  const file = exampleFile('demo/shapes.cnn');
  const features = await loadModel(`${file}:ShapeFeatures`);
  const whole = await loadModel(`${file}:Shapes`);
  await withDevice(context, async (opened) => {
    output.data(`1. ${output.style('bold', 'Weights')}, without any training\n`);
    const readout = await makeWeights(context, opened, features);
    const weights = new Map([...readout.features].map(([name, tensor]) => [`features.${name}`, tensor]));
    weights.set('readout.weight', readout.weight).set('readout.bias', readout.bias);

    output.data(`\n2. ${output.style('bold', 'Build')}: examples/demo/shapes.cnn to ${folder}\n`);
    const started = performance.now();
    const compilation = compileSource(whole, { weights, source: 'made above' });
    await writeFolderAtomically(folder, artifactFiles(compilation.artifact));
    const figures = buildFigures(compilation, performance.now() - started);
    output.data(buildReport('Shapes', figures, 'made above', output));

    output.data(
      `\n3. ${output.style('bold', 'Run')}: ${tested} fresh images on ${opened.info.description || opened.info.device}\n`,
    );
    const session = await createSession(opened.device, compilation.artifact, { profile: opened.info.profile });
    const accuracy = await test(context, session, imageModel(compilation.artifact));

    output.data(`\n4. ${output.style('bold', 'Compare')} with the unoptimised graph in the reference interpreter\n`);
    const compared = await compareWithReference(context, session, compilation, whole);
    session.dispose();
    output.event({ type: 'summary', accuracy, samples: tested, seed, ...compared });
  });
  output.data(
    `\nThe artifact stays in ${folder}: try \`npx cnnc inspect ${folder}\` and \`npx cnnc bench ${folder}\`.`,
  );
  return exitCodes.ok;
}

/** Sources lie two folders below the package, compiled code three. */
function exampleFile(name: string): string {
  for (let at = dirname(fileURLToPath(import.meta.url)); ; at = dirname(at)) {
    const path = join(at, 'examples', name);
    if (existsSync(path) || at === dirname(at)) return path;
  }
}

async function makeWeights({ output, seed }: Context, opened: OpenedDevice, source: SourceModel) {
  const started = performance.now();
  const images = Array.from({ length: fitted }, (_, index) => shapeImage(seed, index));
  const weights = settleNorms(source, formulaWeights(source.built, seed), images.slice(0, settled));
  output.data(
    '   filters: 12 edge directions, their blur, 78 pairs that meet in corners, and random mixtures of those',
  );
  output.data(`   batch norms: means and variances of ${settled} images`);
  const { artifact } = compileSource(source, { weights, source: '' }, [opened.info.profile]);
  const session = await createSession(opened.device, artifact, { profile: opened.info.profile });
  const model = imageModel(artifact);
  const rows = await runAll({ output }, session, model, images, 'features');
  session.dispose();
  const readout = fitReadout(
    rows,
    images.map(({ label }) => label),
    shapeNames.length,
    1e-3,
  );
  output.data(
    `   readout: ridge regression on the ${model.classes ?? 0} features of ${fitted} generated images, which the compiled`,
  );
  output.data(`   network itself computed; all of this took ${formatMs(performance.now() - started)}`);
  return { features: weights, ...readout };
}

function batchOf({ built, preprocess }: SourceModel, images: readonly LabelledImage[]): Record<string, Tensor> {
  const [input] = built.inputs;
  const shape = input?.type.shape.slice(1).map(Number) ?? [];
  const [channels = 1, height, width] = shape;
  const steps = preprocess?.steps ?? [];
  const samples = images.map(({ image }) => imageToSample({ steps, channels, height, width }, image));
  const data = new Float32Array(samples.reduce((sum, sample) => sum + sample.data.length, 0));
  samples.forEach((sample, index) => data.set(sample.data, index * sample.data.length));
  return { [input?.name ?? '']: { dtype: 'f32', shape: [images.length, ...shape], data } };
}

/** Sets each batch norm's statistics to those of what reaches it, in the order of the network. */
function settleNorms(source: SourceModel, weights: Weights, images: readonly LabelledImage[]): Weights {
  const inputs = batchOf(source, images);
  const settledWeights = new Map(weights);
  const means = [...weights.keys()].filter((name) => name.endsWith('.running_mean'));
  for (const name of means) {
    const path = name.slice(0, -'.running_mean'.length);
    evaluateGraph(source.graph, inputs, {
      parameters: Object.fromEntries(settledWeights),
      onValue: (node, value) => {
        // A norm that is still the identity but for its bias shows what reaches it.
        if (node.op.name !== 'batchNorm' || node.origin?.path !== path) return;
        const bias = settledWeights.get(`${path}.bias`)?.data;
        const { mean, variance } = channelStatistics(value);
        const shape = [mean.length];
        settledWeights.set(name, {
          dtype: 'f32',
          shape,
          data: mean.map((each, channel) => each - (bias?.[channel] ?? 0)),
        });
        settledWeights.set(`${path}.running_var`, { dtype: 'f32', shape, data: variance });
      },
    });
  }
  return settledWeights;
}

async function runAll(
  { output }: Pick<Context, 'output'>,
  session: Session,
  model: ImageModel,
  images: readonly LabelledImage[],
  stage: string,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  const batch = 50;
  for (let from = 0; from < images.length; from += batch) {
    const part = images.slice(from, from + batch);
    const samples = part.map(({ image }) => imageToSample(model, image));
    rows.push(...(await runSamples(session, model, samples)).map((outputs) => scoresOf(model, outputs)));
    output.progress(`   ${stage}: ${rows.length} of ${images.length}`, {
      stage,
      done: rows.length,
      total: images.length,
    });
  }
  output.progress('');
  return rows;
}

async function test(context: Context, session: Session, model: ImageModel): Promise<number> {
  const { output, seed } = context;
  const images = Array.from({ length: tested }, (_, index) => shapeImage(seed + testSeed, index));
  const started = performance.now();
  const rows = await runAll(context, session, model, images, 'test');
  const ms = performance.now() - started;
  const guesses = rows.map((row) => topIndices(row, 1)[0] ?? 0);
  const right = guesses.filter((guess, index) => guess === images[index]?.label).length;
  const accuracy = right / images.length;
  // A right one of each class and, where there are any, wrong ones: both are instructive.
  const wrong = [...guesses.keys()].filter((index) => guesses[index] !== images[index]?.label);
  const chosen = [0, 1, 2, 3, ...wrong, 4, 5, 6, 7].slice(0, drawn);
  for (let from = 0; from < chosen.length; from += 4) {
    const row = chosen.slice(from, from + 4).flatMap((index) => {
      const labelled = images[index];
      return labelled ? [captioned(labelled, rows[index] ?? new Float32Array())] : [];
    });
    output.data(beside(row));
  }
  output.data(
    `   ${right} of ${tested} right (${(accuracy * 100).toFixed(1)}%; guessing gives 25%), ${formatMs(ms / tested)} an image in batches of 50`,
  );
  return accuracy;
}

const columns = 17;

function captioned({ image, label }: LabelledImage, row: Float32Array): string[] {
  const [guess = 0] = topIndices(row, 1);
  // The readout gives scores around 0 and 1; ten times as much makes them logits.
  const sure = softmax(row.map((score) => score * 10))[guess] ?? 0;
  const caption = `${shapeNames[guess] ?? ''} ${(sure * 100).toFixed(0)}%`;
  const truth = guess === label ? '' : `is a ${shapeNames[label] ?? ''}`;
  return [...drawImage(image, columns), caption, truth];
}

const beside = (drawings: readonly (readonly string[])[]): string =>
  (drawings[0] ?? [])
    .map((_, line) => `   ${drawings.map((each) => (each[line] ?? '').padEnd(columns)).join('  ')}`.trimEnd())
    .join('\n');

async function compareWithReference(
  { output, seed }: Context,
  session: Session,
  { bound, optimized }: SourceCompilation,
  source: SourceModel,
) {
  const images = Array.from({ length: 8 }, (_, index) => shapeImage(seed + testSeed, index));
  const inputs = batchOf(source, images);
  const started = performance.now();
  const wanted = evaluateGraph(bound, inputs)['output'];
  const reference_ms = (performance.now() - started) / images.length;
  const [name, tensor] = Object.entries(inputs)[0] ?? [];
  if (name === undefined || !tensor || !wanted) throw new RangeError('the demo has no input');
  const given = { [name]: { shape: tensor.shape, data: Float32Array.from(tensor.data) } };
  const actual = (await session.run(given))['output'];
  const times: number[] = [];
  for (let run = 0; run < 20; run++) {
    const begun = performance.now();
    await session.run(given);
    times.push((performance.now() - begun) / images.length);
  }
  const compiled_ms = times.toSorted((a, b) => a - b)[10] ?? 0;
  const difference = actual ? relativeDifference(wanted, { dtype: 'f32', ...actual }) : Infinity;
  output.data(`   ops: ${computedNodes(bound)} before the passes, ${computedNodes(optimized)} after`);
  output.data(
    `   time: ${formatMs(reference_ms)} an image in plain loops, ${formatMs(compiled_ms)} compiled: ${formatDigits(reference_ms / compiled_ms)} times faster`,
  );
  output.data(`   largest difference of the outputs: ${formatDigits(difference)} of the largest value`);
  return { reference_ms, compiled_ms, difference };
}
