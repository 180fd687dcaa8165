/** `cnnc check`: everything that can be said about a source without running it. */
import type { Diagnostic } from '../../../grammar/diagnostics.ts';
import {
  checkProgram,
  mergeDiagnostics,
  nodeHost,
  type AnalyzedProgram,
  type CheckedModel,
  type CheckedProgram,
} from '../../analyze/index.ts';
import { evaluateDim, symbolsOf, type Dim } from '../../ir/dim.ts';
import type { Node } from '../../ir/node.ts';
import { missedBudgets, sourceFigures } from '../../driver/budgets.ts';
import { dataFaults } from './check/data.ts';
import { trainingFaults } from './check/training.ts';
import type { Configure, Context } from '../command.ts';
import { exitCodes, type ExitCode } from '../../driver/failure.ts';
import { layersOf, shapeText, sizeText } from '../../driver/layers.ts';
import { requireFile } from '../../driver/require-file.ts';
import { count, formatInteger, formatTable } from '../../driver/text.ts';

interface CheckFlags {
  readonly shapes?: boolean;
}

export const configureCheck: Configure = (command, act) => {
  command
    .argument('<files...>', '.cnn files')
    .option(
      '--shapes',
      'also print what each model takes and gives, what its assertions state about sizes, and its layers',
    )
    .addHelpText('after', '\nExit codes: 0 fine, 1 errors in the source, 4 only budgets exceeded.')
    .action((files: readonly string[], flags: CheckFlags) => act((context) => check(context, files, flags)));
};

async function check({ output }: Context, files: readonly string[], flags: CheckFlags): Promise<ExitCode> {
  for (const file of files) await requireFile(file);
  const host = nodeHost();
  const programs = files.map((file) => checkProgram(file, host));
  const all: Diagnostic[][] = [];
  for (const program of programs) {
    const ofTraining = trainingFaults(program);
    const ofData = await dataFaults(program, ofTraining);
    all.push(mergeDiagnostics(program.diagnostics, ofTraining, ofData, exceeded(program)));
  }
  for (const list of all) output.diagnostics(list);
  const models = programs.flatMap((program) => program.models);
  output.data(modelTable(programs));
  if (flags.shapes) for (const model of models) output.data(`\n${shapes(model)}`);
  const found = all.flat();
  const errors = found.filter(({ severity }) => severity === 'error');
  output.event({
    type: 'summary',
    models: models.map(({ name, built, cost }) => ({
      name,
      params: cost?.parameters,
      macs: cost?.macs,
      ...(built && cost?.openMacs ? { macsFormula: sizeText(cost.openMacs, built.facts) } : {}),
    })),
    errors: errors.length,
    warnings: found.length - errors.length,
  });
  if (errors.length > 0) output.note(`${count(errors.length, 'error')} in ${count(files.length, 'file')}`);
  if (errors.some(({ code }) => !code.startsWith('E08'))) return exitCodes.source;
  return errors.length > 0 ? exitCodes.assertion : exitCodes.ok;
}

function modelTable(programs: readonly CheckedProgram[]): string {
  const rows = programs.flatMap(({ program, models }) =>
    models.map((model) => {
      const { name, cost } = model;
      return [name, cost ? formatInteger(cost.parameters) : '-', macsText(model), noteOf(model, program)];
    }),
  );
  return formatTable([['model', 'params', 'MACs', ''], ...rows], [1, 2]);
}

/** A figure, or a polynomial such as `1,234*H*W` where it is short. */
function macsText({ cost, built }: CheckedModel): string {
  if (cost?.macs !== undefined) return formatInteger(cost.macs);
  if (!built || cost?.openMacs === undefined) return '-';
  const text = sizeText(cost.openMacs, built.facts).replaceAll(/\d+/g, (digits) => formatInteger(Number(digits)));
  return text.length <= 40 ? text : '-';
}

function noteOf(model: CheckedModel, program: AnalyzedProgram): string {
  const { built, cost } = model;
  if (!built) return 'needs values for parameters without a default';
  if (!built.graph) return 'has errors';
  return cost?.openMacs === undefined ? '' : macsAtShape(model, cost.openMacs, program);
}

/** What an open figure is at the sizes that the model is trained with; what it depends on where no formula says so. */
function macsAtShape(model: CheckedModel, macs: Dim, { directives }: AnalyzedProgram): string {
  const { name, built } = model;
  const shape = directives
    .find(({ target, settings }) => target === name && settings.has('shape'))
    ?.settings.get('shape');
  const sizes = new Map(
    shape?.kind === 'group'
      ? [...shape.entries].flatMap(([symbol, size]) => (size.kind === 'number' ? [[symbol, size.value] as const] : []))
      : [],
  );
  const names = symbolsOf(macs).map((symbol) => {
    const fact = built?.facts.find(({ quotient }) => quotient === symbol);
    return { symbol, source: fact?.symbol ?? symbol, multipleOf: fact?.multipleOf ?? 1 };
  });
  const values = names.map(
    ({ symbol, source, multipleOf }) => [symbol, (sizes.get(source) ?? 0) / multipleOf] as const,
  );
  if (values.some(([, value]) => !Number.isInteger(value) || value === 0)) {
    if (macsText(model) !== '-') return '';
    return `MACs depend on ${names.map(({ source }) => source).join(', ')}`;
  }
  const at = names.map(({ source }) => `${source}=${sizes.get(source)}`).join(', ');
  return `${formatInteger(evaluateDim(macs, Object.fromEntries(values)))} at ${at}`;
}

/** What a model takes and gives, its open sizes, what its assertions state about them, and every layer's shape. */
function shapes({ name, built }: CheckedModel): string {
  if (!built?.graph)
    return `${name}\n  has no shapes: ${built ? 'it has errors' : 'it needs values for its parameters'}`;
  const { graph, inputs, facts, parameters } = built;
  const typeText = ({ dtype, shape }: Node['type']): string => `${dtype}${shapeText(shape, facts)}`;
  const takes = inputs.map((each) => `  takes ${each.name}: ${typeText(each.type)}`);
  const gives = Object.entries(graph.outputs).map(([key, node]) => `  gives ${key}: ${typeText(node.type)}`);
  const open = new Set(inputs.flatMap(({ type }) => type.shape.flatMap(symbolsOf)));
  const names = [...open].map((symbol) => facts.find(({ quotient }) => quotient === symbol)?.symbol ?? symbol);
  const sizes = names.length > 0 ? [`  open sizes: ${names.join(', ')}`] : [];
  const stated = facts.map(
    ({ symbol, multipleOf }) => `  ${symbol} is a multiple of ${multipleOf}: each run checks it`,
  );
  const layers = layersOf(graph, parameters).map(({ path, op, node, place }) => [path, op, typeText(node.type), place]);
  const table = formatTable([['layer', 'op', 'gives', 'from'], ...layers]).replaceAll(/^/gm, '  ');
  return [name, ...takes, ...gives, ...sizes, ...stated, '', table].join('\n');
}

/** Budgets that the source alone decides: parameters and multiply-accumulates of a model. */
function exceeded({ program, models }: CheckedProgram): Diagnostic[] {
  return models.flatMap(({ name, built, cost }) => {
    const budgets = program.models.find((each) => each.name === name && !each.isImported)?.budgets ?? [];
    if (!built?.graph || budgets.length === 0) return [];
    const layers = layersOf(built.graph, built.parameters);
    return missedBudgets(name, budgets, sourceFigures(layers, cost?.macs === undefined));
  });
}
