/** `cnnc run`: inference on image files and npy tensors. */
import { writeFile } from 'node:fs/promises';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { encodeNpy, parseNpy } from '../../../runtime/files/npy.ts';
import { readBytes, systemErrorReason } from '../../../runtime/node/file-access.ts';
import { readBuilt } from '../read-built.ts';
import { readImage } from '../../../runtime/node/pictures/images.ts';
import { hasPictureEnding } from '../../../runtime/node/datasets/picture-endings.ts';
import type { HostTensor, Session } from '../../../runtime/session.ts';
import { fromFloat32, toFloat32 } from '../../../runtime/files/stored-tensor.ts';
import type { Configure, Context } from '../command.ts';
import { exitCodes, usageError, type ExitCode } from '../../driver/failure.ts';
import { integerFlag } from '../flags.ts';
import { imageModel, imageToSample, runSamples, scoresOf, type ImageModel, type Outputs } from '../image-model.ts';
import { artifactFlags, withSession, type ArtifactFlags, type OpenArtifact } from '../open-session.ts';
import { softmax } from '../../../runtime/softmax.ts';
import { topIndices } from '../ranking.ts';
import { keepInputs, requireFile } from '../../driver/require-file.ts';
import { named } from '../../driver/model-weights.ts';
import { formatDigits, formatTable, oneLine } from '../../driver/text.ts';

interface RunFlags extends ArtifactFlags {
  readonly top: number;
  readonly save?: string;
}

export const configureRun: Configure = (command, act) => {
  artifactFlags(command)
    .argument('<artifact>', 'artifact folder')
    .argument('<inputs...>', 'pictures (.jpg, .png, .webp, .avif, .gif, .tiff), or .npy tensors (NCHW, float)')
    .option('--top <n>', 'classes to print for an image', integerFlag('--top', 1), 5)
    .option('--save <file>', 'write the outputs of all inputs, joined along the batch, as .npy')
    .addHelpText('after', '\nImages go through the preprocessing of the artifact; tensors go in as they are.')
    .action((artifact: string, inputs: readonly string[], flags: RunFlags) =>
      act((context) => run(context, artifact, inputs, flags)),
    );
};

const isTensor = (path: string): boolean => /\.npy$/i.test(path);

async function run(context: Context, folder: string, inputs: readonly string[], flags: RunFlags): Promise<ExitCode> {
  const odd = inputs.find((path) => !isTensor(path) && !hasPictureEnding(path));
  if (odd !== undefined)
    throw usageError(`${odd} is neither a picture (.jpg, .png, .webp, .avif, .gif, .tiff) nor .npy`);
  if (flags.save !== undefined && !isTensor(flags.save))
    throw usageError(`--save writes .npy files, not ${flags.save}`);
  // What is missing is told before a GPU is looked for.
  const artifact = await readBuilt(folder);
  for (const path of inputs) await requireFile(path);
  return withSession(context, artifact, folder, flags, async (open) => {
    const names = open.session.plan.outputs.map(({ name }) => name);
    for (const file of flags.save === undefined ? [] : savedFiles(flags.save, names).values()) {
      await keepInputs('--save', file, inputs);
    }
    const results = await runAll(context, open, inputs, flags);
    if (flags.save !== undefined) await save(context, flags.save, results);
    context.output.event({ type: 'summary', inputs: inputs.length });
    return exitCodes.ok;
  });
}

async function runAll(
  context: Context,
  open: OpenArtifact,
  inputs: readonly string[],
  flags: RunFlags,
): Promise<Outputs[]> {
  const ports = open.session.plan.inputs;
  if (ports.length > 1) {
    const tensors = await Promise.all(inputs.map(readTensor));
    const names = ports.map(({ name }) => name).join(', ');
    if (tensors.length !== ports.length)
      throw usageError(`the model takes ${ports.length} tensors (${names}), ${tensors.length} are given`);
    const given = Object.fromEntries(
      ports.map(({ name }, index) => [name, tensors[index] ?? { shape: [], data: new Float32Array() }]),
    );
    return [await runTensors(context, open.session, inputs.join(' '), given)];
  }
  const results: Outputs[] = [];
  for (const path of inputs) {
    const given = isTensor(path) ? { [ports[0]?.name ?? '']: await readTensor(path) } : undefined;
    results.push(
      given ? await runTensors(context, open.session, path, given) : await runImage(context, open, path, flags),
    );
  }
  return results;
}

async function readTensor(path: string): Promise<HostTensor> {
  if (!isTensor(path)) throw usageError(`${path} is no .npy file, and a model of several inputs takes only those`);
  const bytes = await readBytes(path);
  const stored = named(path, () => parseNpy(bytes));
  if (!/^F\d+$/.test(stored.dtype)) {
    const help = 'save it as float32, scaled and normalised as the model was trained';
    throw new RuntimeFault('E0906', 'input', `${path} holds ${stored.dtype}, and the model takes floats`, help);
  }
  const data = toFloat32(stored);
  const bad = data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    const help = 'find where the number comes from; a session in code takes it, and gives what PyTorch would';
    throw new RuntimeFault('E0906', 'input', `${path} has the value ${data[bad]} at element ${bad}`, help);
  }
  return { shape: stored.shape, data };
}

/** Values of each output that are printed. */
const shown = 8;

async function runTensors(context: Context, session: Session, title: string, inputs: Outputs): Promise<Outputs> {
  const outputs = await session.run(inputs);
  for (const [name, tensor] of Object.entries(outputs)) printTensor(context, title, name, tensor);
  return outputs;
}

function printTensor({ output }: Context, title: string, name: string, { shape, data }: HostTensor): void {
  const first = data.subarray(0, shown);
  const values = Array.from(first, formatDigits).join(' ');
  output.data(`${oneLine(title)}: ${name} [${shape.join(', ')}] = ${values}${data.length > shown ? ' ...' : ''}`);
  output.event({ type: 'metric', kind: 'tensor', input: title, output: name, shape, first: [...first] });
}

async function runImage(context: Context, open: OpenArtifact, path: string, flags: RunFlags): Promise<Outputs> {
  const model = imageModel(open.artifact);
  const sample = imageToSample(model, await readImage(path));
  const [outputs = {}] = await runSamples(open.session, model, [sample]);
  const isClassifier = (model.classes ?? 0) > 1;
  if (isClassifier) printClasses(context, model, path, scoresOf(model, outputs), flags.top);
  for (const [name, tensor] of Object.entries(outputs)) {
    if (!isClassifier || name !== model.output) printTensor(context, path, name, tensor);
  }
  return outputs;
}

function printClasses({ output }: Context, model: ImageModel, path: string, row: Float32Array, top: number): void {
  const probabilities = model.endsInSoftmax ? row : softmax(row);
  const classes = topIndices(row, Math.min(top, row.length)).map((index) => ({
    index,
    name: model.labels[index] ?? `class ${index}`,
    probability: probabilities[index] ?? 0,
    score: row[index] ?? 0,
  }));
  const from = model.endsInSoftmax ? '' : '  (softmax of the logits)';
  const rows = classes.map(({ name, probability }) => ['', `${(probability * 100).toFixed(2)}%`, name]);
  output.data(`${output.style('bold', oneLine(path))}${from}\n${formatTable(rows, [1])}`);
  output.event({
    type: 'metric',
    kind: 'classes',
    input: path,
    softmax: model.endsInSoftmax ? 'model' : 'host',
    classes,
  });
}

/** The file of each output: one where the model has one, else `y.NAME.npy`. */
function savedFiles(path: string, names: readonly string[]): Map<string, string> {
  return new Map(names.map((name) => [name, names.length === 1 ? path : path.replace(/\.npy$/i, `.${name}.npy`)]));
}

async function save({ output }: Context, path: string, results: readonly Outputs[]): Promise<void> {
  for (const [name, file] of savedFiles(path, Object.keys(results[0] ?? {}))) {
    const parts = results.flatMap((outputs) => outputs[name] ?? []);
    const { shape, data } = joined(parts);
    try {
      await writeFile(file, encodeNpy(fromFloat32(data, shape)));
    } catch (error) {
      throw new RuntimeFault('E0723', 'environment', `cannot write ${file}: ${systemErrorReason(error)}`);
    }
    output.note(`wrote ${file}: [${shape.join(', ')}]`);
    output.event({ type: 'artifact', path: file, shape });
  }
}

function joined(parts: readonly HostTensor[]): HostTensor {
  const rest = parts[0]?.shape.slice(1) ?? [];
  const other = parts.find(({ shape }) => shape.slice(1).join() !== rest.join());
  if (other) {
    const shapes = `[${[1, ...rest].join(', ')}] and [${other.shape.join(', ')}]`;
    throw usageError(`outputs of ${shapes} cannot be joined in one file`, 'run the inputs one by one');
  }
  const rows = parts.reduce((sum, { shape }) => sum + (shape[0] ?? 1), 0);
  const data = new Float32Array(parts.reduce((sum, part) => sum + part.data.length, 0));
  let at = 0;
  for (const part of parts) {
    data.set(part.data, at);
    at += part.data.length;
  }
  return { shape: [rows, ...rest], data };
}
