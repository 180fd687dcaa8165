/** `cnnc compare`: where two artifacts, or an artifact and the reference interpreter, first disagree. */
import type { Artifact, Step } from '../../../runtime/artifact.ts';
import { readBuilt } from '../read-built.ts';
import { formatSize } from '../../../runtime/bind-symbols.ts';
import type { HostTensor, Session } from '../../../runtime/session.ts';
import { describe } from '../../emit/lower.ts';
import { isMovement } from '../../ops/rules/movement.ts';
import { evaluateGraph } from '../../ir/evaluate.ts';
import type { Tensor } from '../../ir/type.ts';
import type { Configure, Context } from '../command.ts';
import { compareOnData, type DataFlags } from './compare/on-data.ts';
import {
  agreement,
  checkDifference,
  difference,
  unmatchedText,
  type Difference,
  type Tolerance,
  type Unmatched,
  type Values,
} from './compare/values.ts';
import { compileModel } from '../../driver/compile-model.ts';
import { CommandError, exitCodes, usageError, type ExitCode } from '../../driver/failure.ts';
import { assignmentFlag, integerFlag, listFlag, numberFlag, sizesFlag } from '../flags.ts';
import { artifactFlags, sessionFor, withDevice } from '../open-session.ts';
import { batchOf, randomInputs, symbolValues } from '../../driver/open-sizes.ts';
import { importWeights, type WeightsFlags } from '../../driver/model-weights.ts';
import { modelIn, openProject, parseTarget } from '../../driver/project.ts';
import { count, formatDigits, formatTable, oneLine } from '../../driver/text.ts';
import { weightWarnings } from '../../driver/weight-warnings.ts';
import { weightsFlags } from '../weights-flags.ts';

interface CompareFlags extends DataFlags, WeightsFlags, Tolerance {
  readonly batch?: number;
  readonly P?: Readonly<Record<string, string>>;
  readonly shape?: Readonly<Record<string, number>>;
  readonly data?: string;
}

export const configureCompare: Configure = (command, act) => {
  artifactFlags(weightsFlags(command, 'for a .cnn file: as in cnnc build'))
    .argument('<a>', 'artifact folder')
    .argument('<b>', 'another artifact of the same model, or its FILE.cnn[:Model] for the reference interpreter')
    .option(
      '--rtol <x>',
      'allowed difference as a part of the largest magnitude in the tensor',
      numberFlag('--rtol'),
      1e-4,
    )
    .option('--atol <x>', 'allowed difference besides', numberFlag('--atol'), 1e-6)
    .option(
      '--batch <n>',
      'samples in the random input (default: 1, or what the artifact fixes)',
      integerFlag('--batch', 1),
    )
    .option('-P <name=value>', 'for a .cnn file: as in cnnc build', assignmentFlag)
    .option('--shape <sizes>', 'sizes that are left open, as in H=128,W=128', sizesFlag)
    .option('--data <format:path>', 'compare outputs alone, over samples; as in cnnc eval')
    .option('--labels <file>', 'as in cnnc eval')
    .option('--limit <n>', 'only the first samples, in the order of the data', integerFlag('--limit', 1))
    .option('--assert <limit>', 'with --data, as in "sqnr>=30" or "agreement>=99%"; can be repeated', listFlag)
    .addHelpText(
      'after',
      '\nLayers are matched by path and op. Exit code 6 at the first that differs.\n' +
        'With --data, as for an int8 artifact against its float32 one: the signal-to-noise ratio of the outputs in\n' +
        'decibels, 10 log10(sum b^2 / sum (b - a)^2), and on how many samples both give the same class.',
    )
    .action((a: string, b: string, flags: CompareFlags) => act((context) => compare(context, a, b, flags)));
};

/** What B computes: values of layers by key, and of outputs by name. */
interface Reference {
  /** As it was named. */
  readonly name: string;
  readonly layers: ReadonlyMap<string, Values>;
  /** Layers that every plan computes: of others, a plan may only point into a value. */
  readonly computed: ReadonlySet<string>;
  readonly outputs: Readonly<Record<string, Values>>;
}

async function compare(context: Context, a: string, b: string, flags: CompareFlags): Promise<ExitCode> {
  const isSource = /\.cnn$/i.test(parseTarget(b).file);
  if (flags.data !== undefined) {
    if (isSource) throw usageError('--data is for two artifacts', `build ${b} first`);
    return compareOnData(context, [a, b], flags.data, flags);
  }
  if (flags.labels ?? flags.limit ?? flags.assert) throw usageError('--labels, --limit and --assert are for --data');
  const artifact = await readBuilt(a);
  const other = isSource ? undefined : await readBuilt(b);
  return withDevice(context, flags, async (opened) => {
    const session = await sessionFor(opened, artifact, a, flags);
    const batch = batchOf(session.plan, flags.batch);
    const values = symbolValues(
      artifact.manifest,
      session.plan,
      batch,
      isSource ? openOf(artifact, flags) : flags.shape,
    );
    const inputs = randomInputs(session.plan, values, context.seed);
    const reference = other
      ? await artifactReference(await sessionFor(opened, other, b, flags), session, b, inputs)
      : await interpreterReference(context, b, flags, inputs);
    const compared = await compareLayers(context, a, session, inputs, reference, flags);
    report(context, compared, artifact, [a, reference.name]);
    session.dispose();
    return exitCodes.ok;
  });
}

/** Sizes that the artifact leaves open; others are for the source, which may have been built with them. */
function openOf({ manifest }: Artifact, { shape = {} }: CompareFlags): Readonly<Record<string, number>> {
  const { symbols, guards = [] } = manifest;
  const open = symbols.map((name) => guards.find(({ quotient }) => quotient === name)?.symbol ?? name);
  return Object.fromEntries(Object.entries(shape).filter(([name]) => open.includes(name)));
}

const titleOf = (path: string, op: string): string => (path === '' ? op : `${path} ${op}`);

/** Numbers equal titles, so that the second `relu` of a path meets the second one. */
function keyCounter(): (path: string, op: string) => string {
  const seen = new Map<string, number>();
  return (path, op) => {
    const title = titleOf(path, op);
    const times = (seen.get(title) ?? 0) + 1;
    seen.set(title, times);
    return times === 1 ? title : `${title} (${times})`;
  };
}

const isClearing = ({ op }: Step): boolean => op === 'zero_halo';

async function artifactReference(
  session: Session,
  other: Session,
  folder: string,
  inputs: Record<string, HostTensor>,
): Promise<Reference> {
  const signature = ({ plan }: Session): string =>
    plan.inputs.map(({ name, shape }) => `${name} [${shape.map((size) => formatSize(size)).join(', ')}]`).join(', ');
  if (signature(session) !== signature(other)) {
    throw usageError(
      `${folder} takes ${signature(session)}, the first artifact ${signature(other)}: they are of different models`,
    );
  }
  const keyOf = keyCounter();
  const layers = new Map<string, Values>();
  await session.trace(inputs, (step, result) => {
    if (!isClearing(step)) layers.set(keyOf(step.path, step.op), result);
  });
  const outputs = await session.run(inputs);
  session.dispose();
  return { name: folder, layers, computed: new Set(layers.keys()), outputs };
}

/** Layers of the optimised graph, and outputs of the graph before any pass, both in float64. */
async function interpreterReference(
  { output, seed }: Context,
  target: string,
  flags: CompareFlags,
  inputs: Record<string, HostTensor>,
): Promise<Reference> {
  const source = modelIn(await openProject(target), { arguments: flags.P, dims: flags.shape });
  const weights = await importWeights(source, flags, seed);
  for (const note of weights.notes) output.note(note);
  if (!flags.allowNonFinite) output.diagnostics(weightWarnings(source.graph, weights.weights, weights.source));
  const { bound, optimized } = compileModel(source, weights, { profiles: [] });
  const tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, data }]): [string, Tensor] => [name, { dtype: 'f32', shape, data }]),
  );
  output.progress('running the reference interpreter');
  const keyOf = keyCounter();
  const layers = new Map<string, Values>();
  const computed = new Set<string>();
  evaluateGraph(optimized, tensors, {
    onValue: (node, value) => {
      if (node.inputs.length === 0) return;
      const key = keyOf(node.origin?.path ?? '', describe(node));
      layers.set(key, value);
      if (!isMovement(node)) computed.add(key);
    },
  });
  const outputs = evaluateGraph(bound, tensors);
  output.progress('');
  return { name: target, layers, computed, outputs };
}

interface Compared {
  readonly differences: readonly Difference[];
  readonly unmatched: Unmatched;
}

async function compareLayers(
  { output }: Context,
  folder: string,
  session: Session,
  inputs: Record<string, HostTensor>,
  reference: Reference,
  flags: CompareFlags,
): Promise<Compared> {
  const keyOf = keyCounter();
  const differences: Difference[] = [];
  const first: string[] = [];
  const left = new Set(reference.computed);
  const compareOne = (layer: string, place: string, actual: Values, wanted: Values, help: string): void => {
    const found = difference(layer, place, actual, wanted);
    const { largest, relative } = found;
    differences.push(found);
    output.event({ type: 'metric', kind: 'layer', layer, place, largest, relative });
    checkDifference(found, actual, wanted, flags, help);
  };
  let failure: unknown;
  await session.trace(inputs, (step, result) => {
    if (isClearing(step)) return true;
    const key = keyOf(step.path, step.op);
    const wanted = reference.layers.get(key);
    if (!wanted) first.push(key);
    left.delete(key);
    const [at] = step.places;
    const place = at ? `${at.file}:${at.line}:${at.column}` : '';
    try {
      if (wanted) compareOne(titleOf(step.path, step.op), place, result, wanted, agreement(differences.length));
      return true;
    } catch (error) {
      failure = error;
      return false;
    }
  });
  if (failure !== undefined) throw failure;
  const unmatched = { first, second: [...left] };
  const outputs = await session.run(inputs);
  checkOutputs(folder, Object.keys(outputs), reference);
  const layers = differences.length;
  const apart = unmatchedText(unmatched, [folder, reference.name]);
  for (const [name, wanted] of Object.entries(reference.outputs)) {
    const actual = outputs[name] ?? wanted;
    const known = layers === 0 && apart !== '' ? `no layer of one is in the other` : agreement(differences.length);
    compareOne(`output ${name}`, '', actual, wanted, apart === '' ? known : `${known}: ${apart}`);
  }
  return { differences, unmatched };
}

/** Throws E0907 where an output is in one of both alone. */
function checkOutputs(folder: string, names: readonly string[], { name: other, outputs }: Reference): void {
  const its = Object.keys(outputs);
  const unmatched = {
    first: names.filter((name) => !its.includes(name)),
    second: its.filter((name) => !names.includes(name)),
  };
  const text = unmatchedText(unmatched, [folder, other]);
  if (text !== '') throw new CommandError('E0907', `the outputs are called differently: ${text}`);
}

function report(
  { output }: Context,
  { differences, unmatched }: Compared,
  { manifest }: Artifact,
  names: readonly [string, string],
): void {
  const worst = differences.reduce<Difference | undefined>(
    (most, each) => (most && most.relative >= each.relative ? most : each),
    undefined,
  );
  if (output.verbose) {
    const rows = differences.map(({ layer, largest, relative, place }) => [
      layer,
      formatDigits(largest),
      formatDigits(relative),
      place,
    ]);
    output.data(formatTable([['layer', 'largest', 'relative', 'source'], ...rows], [1, 2]));
  }
  const apart = unmatchedText(unmatched, names);
  const at =
    worst && worst.largest > 0
      ? `, the largest difference is ${formatDigits(worst.relative)} of the largest value, at ${worst.layer}`
      : ' exactly';
  output.data(`${manifest.model.name}: ${count(differences.length, 'value')} agree${at}`);
  if (apart !== '') output.data(`layers without a counterpart: ${oneLine(apart)}`);
  output.event({
    type: 'summary',
    compared: differences.length,
    unmatched: unmatched.first.length,
    only_first: unmatched.first,
    only_second: unmatched.second,
    worst: worst?.relative ?? 0,
    layer: worst?.layer,
  });
}
