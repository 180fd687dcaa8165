/** `cnnc check`: everything that can be said about a source without running it. */
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import { checkProgram, mergeDiagnostics, nodeHost, type CheckedModel, type CheckedProgram } from '../analyze/index.ts';
import { formatType } from '../ir/type.ts';
import { missedBudgets, sourceFigures } from './budgets.ts';
import type { Configure, Context } from './command.ts';
import { exitCodes, type ExitCode } from './failure.ts';
import { layersOf } from './layers.ts';
import { requireFile } from './source-model.ts';
import { count, formatInteger, formatTable } from './text.ts';

interface CheckFlags {
  readonly shapes?: boolean;
}

export const configureCheck: Configure = (command, act) => {
  command
    .argument('<files...>', '.cnn files')
    .option('--shapes', 'also print what each model takes and gives, and what its assertions state about sizes')
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

function shapes({ name, built }: CheckedModel): string {
  const inputs = (built?.inputs ?? []).map((each) => `  takes ${each.name}: ${formatType(each.type)}`);
  const outputs = Object.entries(built?.graph?.outputs ?? {}).map(
    ([key, node]) => `  gives ${key}: ${formatType(node.type)}`,
  );
  const facts = (built?.facts ?? []).map(
    ({ symbol, multipleOf, quotient }) => `  where ${symbol} = ${multipleOf} * ${quotient}, which a run checks`,
  );
  return [name, ...inputs, ...outputs, ...facts].join('\n');
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
