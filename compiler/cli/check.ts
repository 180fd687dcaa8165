/** `cnnc check`: everything that can be said about a source without running it. */
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import { checkProgram, mergeDiagnostics, nodeHost, type CheckedModel, type CheckedProgram } from '../analyze/index.ts';
import { symbolsOf } from '../ir/dim.ts';
import type { Node } from '../ir/node.ts';
import { missedBudgets, sourceFigures } from './budgets.ts';
import type { Configure, Context } from './command.ts';
import { exitCodes, type ExitCode } from './failure.ts';
import { layersOf, shapeText } from './layers.ts';
import { requireFile } from './source-model.ts';
import { count, formatInteger, formatTable } from './text.ts';

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
  const all = programs.map((program) => mergeDiagnostics(program.diagnostics, exceeded(program)));
  for (const list of all) output.diagnostics(list);
  const models = programs.flatMap((program) => program.models);
  output.data(modelTable(models));
  if (flags.shapes) for (const model of models) output.data(`\n${shapes(model)}`);
  const found = all.flat();
  const errors = found.filter(({ severity }) => severity === 'error');
  output.event({
    type: 'summary',
    models: models.map(({ name, cost }) => ({ name, params: cost?.parameters, macs: cost?.macs })),
    errors: errors.length,
    warnings: found.length - errors.length,
  });
  if (errors.length > 0) output.note(`${count(errors.length, 'error')} in ${count(files.length, 'file')}`);
  if (errors.some(({ code }) => !code.startsWith('E08'))) return exitCodes.source;
  return errors.length > 0 ? exitCodes.assertion : exitCodes.ok;
}

function modelTable(models: readonly CheckedModel[]): string {
  const rows = models.map(({ name, cost, built }) => [
    name,
    cost ? formatInteger(cost.parameters) : '-',
    cost?.macs === undefined ? '-' : formatInteger(cost.macs),
    noteOf(cost?.macs, built !== undefined),
  ]);
  return formatTable([['model', 'params', 'MACs', ''], ...rows], [1, 2]);
}

function noteOf(macs: number | undefined, isBuilt: boolean): string {
  if (!isBuilt) return 'needs values for parameters without a default';
  return macs === undefined ? 'depends on open sizes, or has errors' : '';
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
