/** The demo: trains a small network on generated pictures, builds it, tests it on fresh ones, and checks its numbers. */
import { mkdir } from 'node:fs/promises';
import { removeCheckpoints } from '../../../runtime/node/run/checkpoint-files.ts';
import type { OpenedDevice } from '../../../runtime/node/device/device.ts';
import { runTraining } from '../../../runtime/node/run/run-training.ts';
import { scoresFor } from '../../../runtime/node/align-classes.ts';
import { seenImage } from '../../../runtime/pictures/seen-image.ts';
import { openTrainingData } from '../../../runtime/node/training-data.ts';
import { writeFileAtomically } from '../../../runtime/node/write-file.ts';
import { writeFolderAtomically } from '../../../runtime/node/write-folder.ts';
import { createSession, type Session } from '../../../runtime/session.ts';
import { labelOf } from '../../../runtime/train/sample.ts';
import type { TrainingArtifact } from '../../../runtime/train/training-artifact.ts';
import { artifactFiles } from '../../emit/write-artifact.ts';
import { evaluateGraph } from '../../ir/evaluate.ts';
import { relativeDifference } from '../../passes/verify-pass.ts';
import { compileTrainStage } from '../../stages/train/from-directive.ts';
import { buildFigures, buildReport } from './build/report.ts';
import type { Configure, Context } from '../command.ts';
import { compileModel, computedNodes, type ModelCompilation } from '../../driver/compile-model.ts';
import { commandLine, shownPath } from '../command-line.ts';
import { beside, drawImage, encodeCifar, encodePng, type LabelledImage } from './demo/pictures.ts';
import { exampleFile } from '../example-file.ts';
import { exitCodes, type ExitCode } from '../../driver/failure.ts';
import { imageModel, imageToSample, runSamples, scoresOf, type ImageModel } from '../image-model.ts';
import { ownCode, withDevice } from '../open-session.ts';
import { softmax } from '../../../runtime/softmax.ts';
import { topIndices } from '../ranking.ts';
import { importWeights } from '../../driver/model-weights.ts';
import { modelIn, openProject, type SourceModel } from '../../driver/project.ts';
import { formatDigits, formatInteger, formatMs, formatTable } from '../../driver/text.ts';
import { showProgress } from './train/progress.ts';

export const configureDemo: Configure = (command, act) => {
  command.action(() => act(demo));
};

const folder = 'build/demo';
const net = `${folder}/net`;
const testFile = `${folder}/test.bin`;
const batch = 50;

async function demo(context: Context): Promise<ExitCode> {
  const { output, seed } = context;
  const file = exampleFile('demo/shapes.cnn');
  const source = modelIn(await openProject(`${file}:Shapes`));
  const picture = await withDevice(context, ownCode, async (opened) => {
    const artifact = await train(context, opened, source);
    const compilation = await build(context, source);
    const images = await testImages(artifact);
    const session = await createSession(opened.device, compilation.artifact, { profile: opened.info.profile });
    try {
      const model = imageModel(compilation.artifact);
      const tested = await test(context, session, model, images);
      const compared = await compareWithReference(context, session, model, compilation, images);
      output.event({ type: 'summary', accuracy: tested.accuracy, samples: images.length, seed, ...compared });
      return tested.picture;
    } finally {
      session.dispose();
    }
  });
  output.data(nextSteps(context, file, picture));
  return exitCodes.ok;
}

async function train(context: Context, { device, info }: OpenedDevice, source: SourceModel): Promise<TrainingArtifact> {
  const { output, seed } = context;
  const directive = source.program.directives.find(({ word }) => word === 'train');
  if (!directive) throw new RangeError('the example of the demo has no train directive');
  const artifact = compileTrainStage({ ...source, directive }, { seed: seed === 0 ? undefined : seed });
  const { model, recipe } = artifact.manifest;
  const { train: samples = 0 } = recipe.data.split;
  output.data(
    `1. ${output.style('bold', 'Train')}: ${formatInteger(model.parameters)} parameters on ${formatInteger(typeof samples === 'number' ? samples : 0)} ` +
      `generated pictures, ${recipe.epochs} epochs, ${info.description || info.device}`,
  );
  // The demo's own folder: an earlier run of it makes way.
  await removeCheckpoints(folder);
  const onEvent = showProgress(context, artifact);
  const deviceName = info.description || info.device;
  const run = { artifact, device, deviceName, profile: info.profile, folder, resume: false, onEvent };
  const { state } = await runTraining(run);
  output.progress('');
  output.data(`   ${state.step} steps in ${formatMs(state.seconds * 1000)}; ${folder}/report.html has the curves`);
  return artifact;
}

async function build({ output, seed }: Context, source: SourceModel): Promise<ModelCompilation> {
  output.data(`\n2. ${output.style('bold', 'Build')}: the best weights and examples/demo/shapes.cnn to ${net}`);
  const started = performance.now();
  const weights = await importWeights(source, { weights: `${folder}/best.safetensors` }, seed);
  const compilation = compileModel(source, weights);
  await writeFolderAtomically(net, artifactFiles(compilation.artifact));
  const figures = buildFigures(compilation, performance.now() - started);
  output.data(buildReport('Shapes', figures, weights.source, output).replaceAll(/^/gm, '   '));
  return compilation;
}

/** The test split: pictures that neither training nor the choice of the best epoch has seen. */
async function testImages({ manifest: { recipe, model } }: TrainingArtifact): Promise<readonly LabelledImage[]> {
  const { target } = recipe;
  const data = await openTrainingData(recipe.data, '.', { target: target.kind, scores: scoresFor(target, model.name) });
  try {
    const images: LabelledImage[] = [];
    for (let at = 0; at < (data.test?.size ?? 0); at++) {
      const sample = await data.test?.read(at);
      if (sample?.input.kind === 'image')
        images.push({ image: seenImage(sample.input.image, {}), label: labelOf(sample) });
    }
    await writeFileAtomically(testFile, encodeCifar(images));
    return images;
  } finally {
    await data.close();
  }
}

interface Tested {
  readonly accuracy: number;
  /** File of the first picture shown. */
  readonly picture: string;
}

async function test(
  { output }: Context,
  session: Session,
  model: ImageModel,
  images: readonly LabelledImage[],
): Promise<Tested> {
  output.data(`\n3. ${output.style('bold', 'Test')}: ${images.length} pictures that the training did not see\n`);
  const started = performance.now();
  const rows: Float32Array[] = [];
  for (let from = 0; from < images.length; from += batch) {
    const samples = images.slice(from, from + batch).map(({ image }) => imageToSample(model, image));
    rows.push(...(await runSamples(session, model, samples)).map((outputs) => scoresOf(model, outputs)));
  }
  const ms = performance.now() - started;
  const guesses = rows.map((row) => topIndices(row, 1)[0] ?? 0);
  const right = guesses.filter((guess, index) => guess === images[index]?.label).length;
  const picture = await showPictures(model, images, rows, guesses, (text) => output.data(text));
  output.data(`\n${confusionTable(model.labels, images, guesses).replaceAll(/^/gm, '   ')}`);
  const accuracy = right / images.length;
  const share = `${(accuracy * 100).toFixed(1)}%; guessing gives ${(100 / model.labels.length).toFixed(1)}%`;
  output.data(`\n   ${right} of ${images.length} right (${share}), ${formatMs(ms / images.length)} a picture`);
  return { accuracy, picture };
}

const [drawn, abreast, columns] = [8, 4, 17];

/** One picture of each class and, where there are any, wrong ones; as drawings here and as files for `cnnc run`. */
async function showPictures(
  { labels }: ImageModel,
  images: readonly LabelledImage[],
  rows: readonly Float32Array[],
  guesses: readonly number[],
  print: (text: string) => void,
): Promise<string> {
  const wrong = [...guesses.keys()].filter((index) => guesses[index] !== images[index]?.label);
  const ofClasses = labels.map((_, label) => images.findIndex((each) => each.label === label));
  const chosen = [...new Set([...ofClasses, ...wrong, ...images.keys()])].slice(0, drawn);
  const shown = chosen.flatMap((index) => {
    const labelled = images[index];
    return labelled ? [{ ...labelled, scores: rows[index] ?? new Float32Array(), index }] : [];
  });
  const nameOf = (label: number): string => labels[label] ?? `class ${label}`;
  const captioned = shown.map(({ image, label, scores }) => {
    const [guess = 0] = topIndices(scores, 1);
    const sure = ((softmax(scores)[guess] ?? 0) * 100).toFixed(0);
    const truth = guess === label ? '' : `(it is a ${nameOf(label)})`;
    return [...drawImage(image, columns), `${nameOf(guess)} ${sure}%`, truth];
  });
  for (let from = 0; from < captioned.length; from += abreast) {
    print(`\n${beside(captioned.slice(from, from + abreast), columns)}`);
  }
  await mkdir(`${folder}/pictures`, { recursive: true });
  const fileOf = ({ index, label }: { index: number; label: number }): string =>
    `${folder}/pictures/${nameOf(label)}-${index}.png`;
  for (const each of shown) await writeFileAtomically(fileOf(each), encodePng(each.image));
  return shown[0] ? fileOf(shown[0]) : '';
}

/** A row a class, a column a guess. */
function confusionTable(
  names: readonly string[],
  images: readonly LabelledImage[],
  guesses: readonly number[],
): string {
  const rows = names.map((name, label) => {
    const ofClass = guesses.filter((_, index) => images[index]?.label === label);
    const counts = names.map((_, guess) => ofClass.filter((each) => each === guess).length);
    const share = `${((100 * (counts[label] ?? 0)) / ofClass.length).toFixed(1)}%`;
    return [name, ...counts.map((count) => (count === 0 ? '.' : String(count))), share];
  });
  return formatTable(
    [['is \\ seen as', ...names, 'right'], ...rows],
    [...names.keys(), names.length].map((at) => at + 1),
  );
}

async function compareWithReference(
  { output }: Context,
  session: Session,
  model: ImageModel,
  { bound, optimized }: ModelCompilation,
  images: readonly LabelledImage[],
) {
  output.data(`\n4. ${output.style('bold', 'Compare')} with the unoptimised graph in the reference interpreter`);
  const samples = images.slice(0, 8).map(({ image }) => imageToSample(model, image));
  const [{ shape, data: first } = { shape: [], data: new Float32Array() }] = samples;
  const data = new Float32Array(samples.length * first.length);
  samples.forEach((sample, index) => data.set(sample.data, index * first.length));
  const given = { shape: [samples.length, ...shape], data };
  const started = performance.now();
  const wanted = evaluateGraph(bound, { [model.input]: { dtype: 'f32', ...given } })[model.output];
  const reference_ms = (performance.now() - started) / samples.length;
  const times: number[] = [];
  let actual = (await session.run({ [model.input]: given }))[model.output];
  for (let run = 0; run < 20; run++) {
    const begun = performance.now();
    actual = (await session.run({ [model.input]: given }))[model.output];
    times.push((performance.now() - begun) / samples.length);
  }
  const compiled_ms = times.toSorted((a, b) => a - b)[10] ?? 0;
  const difference = wanted && actual ? relativeDifference(wanted, { dtype: 'f32', ...actual }) : Infinity;
  output.data(`   ops: ${computedNodes(bound)} before the passes, ${computedNodes(optimized)} after`);
  output.data(
    `   time: ${formatMs(reference_ms)} a picture in plain loops, ${formatMs(compiled_ms)} compiled: ${formatDigits(reference_ms / compiled_ms)} times faster`,
  );
  output.data(`   largest difference of the outputs: ${formatDigits(difference)} of the largest value`);
  return { reference_ms, compiled_ms, difference };
}

const nextSteps = ({ program }: Context, file: string, picture: string): string => `
Everything is in ${folder}: the run with report.html, the network in ${net}, and the test pictures. Try next:

   ${commandLine(program, 'run', net, picture, '--top', '3')}
   ${commandLine(program, 'eval', net, '--data', `cifar-binary:${testFile}`)}
   ${commandLine(program, 'bench', net)}
   ${commandLine(program, 'train', shownPath(file), '--epochs', '10', '-o', 'runs/longer')}`;
