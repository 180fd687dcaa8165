/** `cnnc build`: from a source to an artifact folder, or to one of the texts on the way there. */
import { Option } from 'commander';
import { writeFolderAtomically } from '../../../runtime/node/write-folder.ts';
import type { ProfileName } from '../../../runtime/artifact.ts';
import type { Diagnostic } from '../../../grammar/diagnostics.ts';
import { costOf } from '../../analyze/index.ts';
import { artifactFiles } from '../../emit/write-artifact.ts';
import { printGraph } from '../../ir/print.ts';
import { bindParameters } from '../../passes/bind-parameters.ts';
import { artifactFigures } from '../../driver/artifact-figures.ts';
import { remedyOf } from '../../stages/run/budget-remedy.ts';
import { missedBudgets, sourceFigures, type Figures } from '../../driver/budgets.ts';
import { buildFigures, buildReport, builtText } from './build/report.ts';
import type { BuildSubject, StageBuildFlags } from './build/stage.ts';
import type { Configure, Context } from '../command.ts';
import { shownPath } from '../command-line.ts';
import { compileModel, type ModelCompilation } from '../../driver/compile-model.ts';
import { dumpPasses } from './build/dump-ir.ts';
import { emitAst, emitPlan, emitWgsl } from './build/emit-text.ts';
import { CommandError, exitCodes, usageError, type ExitCode } from '../../driver/failure.ts';
import { assignmentFlag, sizesFlag } from '../flags.ts';
import { layersOf } from '../../driver/layers.ts';
import { qualityFigures, unjudged } from '../../driver/measured-budgets.ts';
import type { Output } from '../output.ts';
import { importWeights, type ModelWeights } from '../../driver/model-weights.ts';
import { namedWeights } from '../named-weights.ts';
import { modelIn, openProject, parseTarget, type SourceModel } from '../../driver/project.ts';
import { settingsOf } from '../setting-flags.ts';
import { stageFlags } from '../stage-flags.ts';
import { meansStage, withStages } from '../../stages/run/pick-stages.ts';
import { endsOf, stagesOf } from '../../stages/run/stage-graph.ts';
import { weightWarnings } from '../../driver/weight-warnings.ts';
import { weightsFlags } from '../weights-flags.ts';
import { verifyPasses } from './build/verify-passes.ts';

interface BuildFlags extends StageBuildFlags {
  readonly output?: string;
  readonly profile: 'software' | 'gpu' | 'both';
  readonly emit?: 'ast' | 'ir' | 'plan' | 'wgsl';
  readonly dumpIr?: string | true;
  readonly verify?: boolean;
}

export const configureBuild: Configure = (command, act) => {
  const meaning = "safetensors file in place of the source's, or: random; of a stage, what it starts from";
  weightsFlags(stageFlags(command), meaning)
    .argument('<file[:name]>', '.cnn file, and the model where it declares several, or a stage')
    .option('-o, --output <dir>', 'folder of the artifact (default: build/NAME)')
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
      '\nA stage is built from its folder, where cnnc train has run it. Without a name, the last stage is built where a file\n' +
        'has one and no weights directive. Stages that need no training run inside of the build, from --weights or from\n' +
        'those of a weights directive: quantize, and prune without finetune.\n' +
        'Exit code 4: a budget of the model or stage is missed, and nothing is written. Exit code 70 with E0998: --verify\n' +
        'found a pass that changes what the model computes.',
    )
    .action((target: string, flags: BuildFlags) => act((context) => build(context, target, flags)));
};

async function build(context: Context, target: string, flags: BuildFlags): Promise<ExitCode> {
  const started = performance.now();
  const { output, seed } = context;
  const project = await openProject(target, { settings: settingsOf(flags) });
  const isWhole = flags.weights === undefined && flags.emit !== 'ast' && flags.emit !== 'ir';
  const staged = withStages(project);
  if (meansStage(staged, isWhole)) {
    // Running a stage needs data and a device, which a build of a model does not.
    const { stageSubject } = await import('./build/stage.ts');
    const subject = await stageSubject(context, target, staged, flags);
    output.diagnostics(subject.source.diagnostics);
    if (flags.emit === 'ast') output.raw(emitAst(project.program.file));
    else if (flags.emit === 'ir') output.raw(printGraph(subject.source.graph));
    else return finish(context, subject, flags, started);
    return exitCodes.ok;
  }
  const source = modelIn(project, { arguments: flags.P, dims: flags.shape });
  output.diagnostics(source.diagnostics);
  if (flags.emit === 'ast') output.raw(emitAst(source.program.file));
  else if (flags.emit === 'ir') output.raw(await emitIr(source, flags, seed));
  if (flags.emit === 'ast' || flags.emit === 'ir') return exitCodes.ok;
  const weights = await namedWeights(context, source, await weightsFor(source, target, flags, seed), flags);
  return finish(context, { name: source.model.name, source, weights, unpruned: undefined }, flags, started);
}

/** Whoever has stages and names none may mean one of them. */
async function weightsFor(source: SourceModel, target: string, flags: BuildFlags, seed: number): Promise<ModelWeights> {
  try {
    return await importWeights(source, flags, seed);
  } catch (error) {
    const ends = endsOf(stagesOf(source.program.directives)).filter(({ model }) => model === source.model.name);
    if (!(error instanceof CommandError) || ends.length === 0 || source.model.weights.length > 0) throw error;
    const { file } = parseTarget(target);
    const named = ends.map(({ name }) => `cnnc build ${file}:${name}`).join(' or ');
    throw usageError(error.message, `build what a stage made: ${named}; or ${error.help ?? ''}`);
  }
}

async function finish(context: Context, subject: BuildSubject, flags: BuildFlags, started: number): Promise<ExitCode> {
  const { output } = context;
  const { source, weights } = subject;
  for (const note of weights.notes) output.note(note);
  if (!flags.allowNonFinite) output.diagnostics(weightWarnings(source.graph, weights.weights, weights.source));
  const compilation = compileModel(source, weights, { ...subject, profiles: profilesOf(flags) });
  if (flags.dumpIr !== undefined) await dumpPasses(output, compilation.passes, flags.dumpIr);
  if (flags.verify) await verifyPasses(context, source, weights, compilation);
  if (flags.emit === 'plan') output.raw(emitPlan(compilation));
  if (flags.emit === 'wgsl') output.raw(emitWgsl(compilation));
  if (flags.emit !== undefined) return exitCodes.ok;
  const files = artifactFiles(compilation.artifact);
  const missed = overBudget(subject, compilation, files, output);
  output.diagnostics(missed);
  if (missed.some(({ severity }) => severity === 'error')) {
    output.note('nothing was written: what a build makes keeps its budgets');
    return exitCodes.assertion;
  }
  const folder = flags.output ?? `build/${subject.name.toLowerCase()}`;
  await writeBuild(context, subject, compilation, { folder, files, started });
  return exitCodes.ok;
}

const profilesOf = ({ profile }: BuildFlags): readonly ProfileName[] =>
  profile === 'both' ? ['software', 'gpu'] : [profile];

/** The graph before any pass, in the form that `cnnc opt` reads; with `--weights`, its parameters are constants. */
async function emitIr(source: SourceModel, flags: BuildFlags, seed: number): Promise<string> {
  if (flags.weights === undefined) return printGraph(source.graph);
  const { weights } = await importWeights(source, flags, seed);
  return printGraph(bindParameters.run(source.graph, { parameters: weights }));
}

type ArtifactFiles = ReturnType<typeof artifactFiles>;

/** Budgets of the model itself, or of the stage; lines that need a measurement are judged by what the stage measured. */
function overBudget(
  { name, source, stage, references = () => undefined, unpruned }: BuildSubject,
  compilation: ModelCompilation,
  files: ArtifactFiles,
  output: Output,
): Diagnostic[] {
  const { model, graph, built } = source;
  if (model.budgets.length === 0) return [];
  const layers = layersOf(graph, built.parameters);
  const ofSource = sourceFigures(layers, costOf(built).macs === undefined);
  const ofArtifact = artifactFigures(compilation, files.get('weights.safetensors')?.length ?? 0, layers);
  const ofStage = qualityFigures(stage?.figures ?? {}, references);
  const figures: Figures = (metric, batch, argument) =>
    ofSource(metric, batch) ?? ofArtifact(metric, batch) ?? ofStage(metric, batch, argument);
  for (const { metric, text } of unjudged(model.budgets, figures)) {
    if (metric === 'macs' || metric === 'peak_memory') {
      output.note(`note: \`${text}\` was not checked, for it depends on sizes that are open; give them with --shape`);
    } else if (stage) {
      const command = metric === 'latency' ? 'cnnc bench --assert' : 'cnnc eval';
      output.note(`note: \`${text}\` was not checked, for it was not measured; ${command} of the artifact checks it`);
    }
  }
  const missed = missedBudgets(name, model.budgets, figures, remedyOf(source.program.directives, name));
  return unpruned === undefined ? missed : missed.map((each) => excused(each, unpruned));
}

/** The budget is of the pruned network: weights of the whole one cannot keep it, and need not. */
const excused = (missed: Diagnostic, stage: string): Diagnostic => ({
  ...missed,
  severity: 'warning',
  help: `the given weights are those of the whole network, from which \`${stage}\` would have pruned`,
});

async function writeBuild(
  { output, seed }: Context,
  { name, source: { model }, weights: { source }, stage }: BuildSubject,
  compilation: ModelCompilation,
  { folder, files, started }: { readonly folder: string; readonly files: ArtifactFiles; readonly started: number },
): Promise<void> {
  await writeFolderAtomically(folder, files);
  const ms = performance.now() - started;
  const figures = buildFigures(compilation, ms);
  for (const figure of figures.passes) output.event({ type: 'metric', kind: 'pass', ...figure });
  for (const figure of figures.plans) output.event({ type: 'metric', kind: 'plan', ...figure });
  if (!output.quiet) {
    const built = builtText(files, stage?.figures);
    output.data(`${buildReport(name, figures, source, output)}\n\nwrote ${shownPath(folder)}: ${built}`);
  }
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
