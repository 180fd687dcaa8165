/** `cnnc build`: from a source to an artifact folder, or to one of the texts on the way there. */
import { Option } from 'commander';
import { writeFolderAtomically } from '../../runtime/node/write-folder.ts';
import type { ProfileName } from '../../runtime/artifact.ts';
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import { costOf } from '../analyze/index.ts';
import { artifactFiles } from '../emit/write-artifact.ts';
import { printGraph } from '../ir/print.ts';
import { bindParameters } from '../passes/bind-parameters.ts';
import { artifactFigures } from './artifact-figures.ts';
import { missedBudgets, sourceFigures, type Figures } from './budgets.ts';
import { buildFigures, buildReport } from './build-report.ts';
import type { Configure, Context } from './command.ts';
import { compileSource, type SourceCompilation } from './compile-source.ts';
import { dumpPasses } from './dump-ir.ts';
import { emitAst, emitPlan, emitWgsl } from './emit-text.ts';
import { exitCodes, type ExitCode } from './failure.ts';
import { assignmentFlag, sizesFlag } from './flags.ts';
import { layersOf } from './layers.ts';
import type { Output } from './output.ts';
import { loadModel, weightsOf, type ModelWeights, type SourceModel } from './source-model.ts';
import { verifyPasses } from './verify-passes.ts';

interface BuildFlags {
  readonly output?: string;
  readonly weights?: string;
  readonly P?: Readonly<Record<string, string>>;
  readonly shape?: Readonly<Record<string, number>>;
  readonly profile: 'software' | 'gpu' | 'both';
  readonly emit?: 'ast' | 'ir' | 'plan' | 'wgsl';
  readonly dumpIr?: string | true;
  readonly verify?: boolean;
}

export const configureBuild: Configure = (command, act) => {
  command
    .argument('<file[:Model]>', '.cnn file, and the model where it declares several')
    .option('-o, --output <dir>', 'folder of the artifact (default: build/NAME)')
    .option('--weights <file>', "safetensors file in place of the source's, or: random")
    .option('-P <name=value>', 'value of a model parameter; can be repeated', assignmentFlag)
    .option('--shape <sizes>', 'sizes of symbols, as in N=1,H=128', sizesFlag)
    .addOption(
      new Option('--profile <name>', 'kernels for software adapters, GPUs, or both')
        .choices(['software', 'gpu', 'both'])
        .default('both'),
    )
    .addOption(
      new Option('--emit <what>', 'print this instead of writing an artifact').choices(['ast', 'ir', 'plan', 'wgsl']),
    )
    .option('--dump-ir [dir]', 'print the IR after each pass that changed it, or write one file a pass')
    .option('--verify', 'run every pass against the reference interpreter on random input')
    .addHelpText(
      'after',
      '\nExit code 4: a budget of the model is missed, and nothing is written. Exit code 70 with E0998: --verify found a pass that changes what the model computes.',
    )
    .action((target: string, flags: BuildFlags) => act((context) => build(context, target, flags)));
};

async function build(context: Context, target: string, flags: BuildFlags): Promise<ExitCode> {
  const { output, seed } = context;
  const started = performance.now();
  const source = await loadModel(target, { arguments: flags.P, dims: flags.shape });
  output.diagnostics(source.diagnostics);
  if (flags.emit === 'ast') output.raw(emitAst(source.program.file));
  else if (flags.emit === 'ir') output.raw(await emitIr(source, flags, seed));
  if (flags.emit === 'ast' || flags.emit === 'ir') return exitCodes.ok;
  const weights = await weightsOf(source, flags.weights, seed);
  const compilation = compileSource(source, weights, profilesOf(flags));
  if (flags.dumpIr !== undefined) await dumpPasses(output, compilation.passes, flags.dumpIr);
  if (flags.verify) await verifyPasses(context, source, weights, compilation);
  if (flags.emit === 'plan') output.raw(emitPlan(compilation));
  if (flags.emit === 'wgsl') output.raw(emitWgsl(compilation));
  if (flags.emit !== undefined) return exitCodes.ok;
  const files = artifactFiles(compilation.artifact);
  const missed = overBudget(source, compilation, files, output);
  if (missed.length > 0) {
    output.diagnostics(missed);
    output.note('nothing was written: what a build makes keeps its budgets');
    return exitCodes.assertion;
  }
  const folder = flags.output ?? `build/${source.model.name.toLowerCase()}`;
  await writeBuild(context, source, weights, compilation, { folder, files, started });
  return exitCodes.ok;
}

const profilesOf = ({ profile }: BuildFlags): readonly ProfileName[] =>
  profile === 'both' ? ['software', 'gpu'] : [profile];

/** The graph before any pass, in the form that `cnnc opt` reads; with `--weights`, its parameters are constants. */
async function emitIr(source: SourceModel, flags: BuildFlags, seed: number): Promise<string> {
  if (flags.weights === undefined) return printGraph(source.graph);
  const { weights } = await weightsOf(source, flags.weights, seed);
  return printGraph(bindParameters.run(source.graph, { parameters: weights }));
}

type ArtifactFiles = ReturnType<typeof artifactFiles>;

/** Budgets of the model itself; those of a stage hold for what the stage makes. */
function overBudget(
  { model, graph, built }: SourceModel,
  compilation: SourceCompilation,
  files: ArtifactFiles,
  output: Output,
): Diagnostic[] {
  if (model.budgets.length === 0) return [];
  const layers = layersOf(graph, built.parameters);
  const ofSource = sourceFigures(layers, costOf(built).macs === undefined);
  const ofArtifact = artifactFigures(compilation, files.get('weights.safetensors')?.length ?? 0, layers);
  const figures: Figures = (metric, batch) => ofSource(metric, batch) ?? ofArtifact(metric, batch);
  for (const { metric, text } of model.budgets.flatMap(({ constraints }) => constraints)) {
    if ((metric !== 'macs' && metric !== 'peak_memory') || figures(metric, 1)) continue;
    output.note(`note: \`${text}\` was not checked, for it depends on sizes that are open; give them with --shape`);
  }
  return missedBudgets(model.name, model.budgets, figures);
}

async function writeBuild(
  { output, seed }: Context,
  { model, built, preprocess }: SourceModel,
  { source }: ModelWeights,
  compilation: SourceCompilation,
  { folder, files, started }: { readonly folder: string; readonly files: ArtifactFiles; readonly started: number },
): Promise<void> {
  await writeFolderAtomically(folder, files);
  const ms = performance.now() - started;
  const figures = buildFigures(compilation, ms);
  const outputs = Object.values(built.graph?.outputs ?? {});
  const classes = outputs.length === 1 ? outputs[0]?.type.shape[1] : undefined;
  const labels = preprocess?.labels?.length;
  if (labels !== undefined && typeof classes === 'number' && labels !== classes) {
    output.note(`note: the model gives ${classes} classes, but ${labels} are named`);
  }
  for (const figure of figures.passes) output.event({ type: 'metric', kind: 'pass', ...figure });
  for (const figure of figures.plans) output.event({ type: 'metric', kind: 'plan', ...figure });
  if (!output.quiet) output.data(`${buildReport(model.name, figures, source, output)}\n\nwrote ${folder}`);
  output.event({ type: 'artifact', path: folder, files: files.size });
  const { params, macs, weightBytes } = figures;
  output.event({
    type: 'summary',
    model: model.name,
    params,
    macs,
    weights_bytes: weightBytes,
    weights: source,
    seed,
    build_ms: ms,
  });
}
