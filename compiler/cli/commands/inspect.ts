/** `cnnc inspect`: the layers of a source or an artifact, or the tensors of a safetensors file. */
import { Option } from 'commander';
import {
  evaluateSize,
  type Manifest,
  type Plan,
  type ProfileName,
  type Region,
  type Size,
  type Step,
} from '../../../runtime/artifact.ts';
import { readBytes } from '../../../runtime/node/file-access.ts';
import { readBuilt } from '../read-built.ts';
import { parseSafetensors } from '../../../runtime/files/safetensors.ts';
import { formatSize } from '../../../runtime/bind-symbols.ts';
import { elementCount } from '../../ir/type.ts';
import { symbolsOf } from '../../ir/dim.ts';
import type { Configure, Context } from '../command.ts';
import { exitCodes, type ExitCode } from '../../driver/failure.ts';
import { assignmentFlag, sizesFlag } from '../flags.ts';
import { drawGraph } from './inspect/draw.ts';
import { layersOf, shapeText } from '../../driver/layers.ts';
import type { Output } from '../output.ts';
import { batchSymbol, describeSmallest, smallest } from '../../driver/open-sizes.ts';
import { named } from '../../driver/model-weights.ts';
import { modelIn, openProject, parseTarget, type SourceModel } from '../../driver/project.ts';
import { formatBytes, formatInteger, formatTable, oneLine } from '../../driver/text.ts';

interface InspectFlags {
  readonly P?: Readonly<Record<string, string>>;
  readonly shape?: Readonly<Record<string, number>>;
  readonly graph?: 'svg' | 'dot';
  readonly output?: string;
}

export const configureInspect: Configure = (command, act) => {
  command
    .argument('<what>', 'FILE.cnn[:Model], an artifact folder, or a .safetensors file')
    .option('-P <name=value>', 'value of a model parameter; can be repeated', assignmentFlag)
    .option('--shape <sizes>', 'sizes of symbols, as in N=1,H=128', sizesFlag)
    .addOption(new Option('--graph <format>', 'a picture of the model, instead of the list').choices(['svg', 'dot']))
    .option('-o, --output <file>', 'file of the picture (default: standard output)')
    .action((what: string, flags: InspectFlags) => act((context) => inspect(context, what, flags)));
};

async function inspect({ output }: Context, what: string, flags: InspectFlags): Promise<ExitCode> {
  if (flags.graph) await drawGraph(output, what, flags.graph, flags);
  else if (/\.safetensors$/i.test(what)) await inspectWeights(output, what);
  else if (/\.cnn$/i.test(parseTarget(what).file)) {
    inspectSource(output, modelIn(await openProject(what), { arguments: flags.P, dims: flags.shape }));
  } else inspectArtifact(output, (await readBuilt(what)).manifest);
  return exitCodes.ok;
}

async function inspectWeights(output: Output, path: string): Promise<void> {
  const bytes = await readBytes(path);
  const { tensors, metadata } = named(path, () => parseSafetensors(bytes));
  const rows = [...tensors].map(([name, tensor]) => [
    name,
    tensor.dtype,
    `[${tensor.shape.join(', ')}]`,
    formatInteger(elementCount(tensor.shape)),
  ]);
  for (const [name, { dtype, shape }] of tensors) output.event({ type: 'metric', kind: 'tensor', name, dtype, shape });
  const elements = [...tensors.values()].reduce((sum, { shape }) => sum + elementCount(shape), 0);
  output.data(formatTable([['tensor', 'type', 'shape', 'elements'], ...rows], [3]));
  for (const [key, value] of metadata) output.data(`${oneLine(key)} = ${JSON.stringify(value)}`);
  output.data(
    `${formatInteger(tensors.size)} tensors, ${formatInteger(elements)} elements, ${formatBytes(bytes.length)}`,
  );
  output.event({ type: 'summary', tensors: tensors.size, elements, bytes: bytes.length });
}

function inspectSource(output: Output, { graph, built, model }: SourceModel): void {
  const layers = layersOf(graph, built.parameters).map(({ node, path, op, params, macs, bytes, place }) => ({
    path,
    op,
    shape: shapeText(node.type.shape, built.facts),
    params,
    macs,
    bytes,
    place,
  }));
  for (const layer of layers) output.event({ type: 'metric', kind: 'layer', ...layer });
  const [params, macs] = [sum(layers.map((layer) => layer.params)), sum(layers.map((layer) => layer.macs))];
  const rows = layers.map((layer) => [
    layer.path,
    layer.op,
    layer.shape,
    dash(layer.params),
    dash(layer.macs),
    formatBytes(layer.bytes),
    layer.place,
  ]);
  const total = ['', `${layers.length} ops`, '', formatInteger(params), formatInteger(macs), '', ''];
  output.data(
    output.style(
      'bold',
      `${model.name}(${built.inputs.map(({ name, type }) => `${name}: ${type.dtype}${shapeText(type.shape, built.facts)}`).join(', ')})`,
    ),
  );
  output.data(
    formatTable([['layer', 'op', 'output', 'params', 'MACs', 'memory', 'source'], ...rows, total], [3, 4, 5]),
  );
  const symbols = [...new Set(built.inputs.flatMap(({ type }) => type.shape.flatMap(symbolsOf)))];
  const [batch] = symbolsOf(built.inputs[0]?.type.shape[0] ?? 1);
  const sizes = describeSmallest(symbols, batch, built.facts);
  if (sizes !== '') output.data(`MACs and memory are those of one sample${sizes}`);
  output.event({ type: 'summary', model: model.name, layers: layers.length, params, macs });
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const dash = (value: number): string => (value === 0 ? '-' : formatInteger(value));

function inspectArtifact(output: Output, manifest: Manifest): void {
  const { model, compiler, preprocess, constants } = manifest;
  const bytes = sum(Object.values(constants).map((entry) => entry.bytes));
  output.data(`${output.style('bold', model.name)} from ${oneLine(model.source)}, by ${compiler}`);
  const batch = batchSymbol(manifest.plans.software ?? manifest.plans.gpu);
  const sizes = describeSmallest(manifest.symbols, batch, manifest.guards ?? []);
  output.data(
    `${formatInteger(model.parameters)} params, ${formatInteger(model.macs)} MACs${sizes}, ${formatBytes(bytes)} of packed weights`,
  );
  for (const step of preprocess?.steps ?? []) {
    const { op, ...values } = step;
    output.data(`preprocess ${op} ${JSON.stringify(values)}`);
  }
  if (preprocess?.labels)
    output.data(`${formatInteger(preprocess.labels.length)} classes: ${preprocess.labels.slice(0, 3).join(', ')}, ...`);
  for (const profile of ['software', 'gpu'] as const) {
    const plan = manifest.plans[profile];
    if (plan) inspectPlan(output, profile, plan, manifest);
  }
  output.event({
    type: 'summary',
    model: model.name,
    params: model.parameters,
    macs: model.macs,
    weights_bytes: bytes,
    profiles: Object.keys(manifest.plans),
  });
}

function inspectPlan(output: Output, profile: ProfileName, plan: Plan, manifest: Manifest): void {
  const { symbols, guards = [] } = manifest;
  const one = smallest(symbols);
  const ports = (values: Plan['inputs']): string =>
    values.map(({ name, shape }) => `${name} [${shape.map((size) => formatSize(size, guards)).join(', ')}]`).join(', ');
  const [arena, bound] = [evaluateSize(plan.arena.bytes, one), evaluateSize(plan.arena.lowerBoundBytes, one)];
  output.data(
    `\n${output.style('bold', `plan for ${profile}`)}: takes ${ports(plan.inputs)}, gives ${ports(plan.outputs)}`,
  );
  output.data(
    `arena ${formatBytes(arena)} for one sample${describeSmallest(symbols, batchSymbol(plan), guards)}, lower bound ${formatBytes(bound)}; ${plan.kernels.length} kernels`,
  );
  const rows = plan.steps.map((step, index) => stepRow(step, index, plan, one));
  const head = ['', 'layer', 'op', 'output', 'kernel', 'schedule', 'workgroups', 'offset', 'bytes', 'source'];
  output.data(formatTable([head, ...rows], [0, 7, 8]));
  plan.steps.forEach((step, index) =>
    output.event({ type: 'metric', kind: 'step', profile, index, ...stepEvent(step, plan) }),
  );
}

/** Figures that scale with the batch are those of one sample. */
function stepRow(step: Step, index: number, plan: Plan, one: Readonly<Record<string, number>>): string[] {
  const atOne = (value: Size): string => formatInteger(evaluateSize(value, one));
  const region: Region = step.result.region;
  const [place] = step.places;
  return [
    String(index),
    step.path,
    step.op,
    `[${step.result.shape.map((size) => formatSize(size)).join(', ')}]`,
    kernelName(plan, step),
    step.schedule,
    step.workgroups.map((extent) => evaluateSize(extent, one)).join(' '),
    atOne(region.offset),
    atOne(region.bytes),
    place ? `${place.file}:${place.line}:${place.column}` : '',
  ];
}

const kernelName = (plan: Plan, { kernel }: Step): string =>
  plan.kernels[kernel]?.file.replace(/^kernels\//, '').replace(/\.wgsl$/, '') ?? '';

function stepEvent(step: Step, plan: Plan) {
  const { path, op, schedule, workgroups, result, macs, places, passes } = step;
  return {
    path,
    op,
    schedule,
    workgroups,
    shape: result.shape,
    region: result.region,
    macs,
    places,
    passes,
    kernel: kernelName(plan, step),
  };
}
