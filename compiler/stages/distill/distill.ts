/** The `distill` stage: new weights for the same network, learned from a teacher's scores beside the labels. */
import { matchClasses, settleNames } from '../../../runtime/class-names.ts';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { diagnostic, type Diagnostic } from '../../../grammar/diagnostics.ts';
import type { CheckedDirective } from '../../analyze/index.ts';
import type { Settings } from '../../analyze/directives/directive-values.ts';
import { valueOf } from '../../analyze/directives/written.ts';
import { SourceError } from '../../driver/failure.ts';
import { importWeights } from '../../driver/model-weights.ts';
import type { SourceModel } from '../../driver/project.ts';
import type { Teacher } from '../../train/teacher.ts';
import { makeGraph, makeNode } from '../../ir/node.ts';
import { selectChannels } from '../../ops/index.ts';
import type { StageContext, StageResult } from '../run/stage-context.ts';
import type { StagedModel } from '../run/staged-model.ts';
import { checkTrainStage, compileTrainStage, type TrainingSource } from '../train/from-directive.ts';
import { trainingSource } from '../train/train-stage.ts';
import { trainingDirective } from '../train/training-directive.ts';
import { complete } from '../../analyze/directives/complete.ts';
import { directives } from '../../analyze/directives/directive-schema.ts';

export async function distillStage(
  input: StagedModel,
  _directive: CheckedDirective,
  context: StageContext,
): Promise<StageResult> {
  const directive = trainingDirective(context.stage);
  const trained = matched(await trainedTeacher(directive, context), input);
  const teacher = teacherOf(directive.settings, trained);
  const source = trainingSource(input, directive, context);
  const { weights, result } = await context.train((isFused) =>
    compileTrainStage(source, context.overrides, { isFused, teacher }),
  );
  return { model: { ...input, weights }, figures: { steps: result.state.step, epochs: result.state.epoch } };
}

interface Trained extends Pick<Teacher, 'graph' | 'weights'> {
  /** Of its scores, in their order, where they are known. */
  readonly names: readonly string[] | undefined;
}

/** The teacher with its scores in the order of the student's. Throws E0714 where they tell other classes apart. */
function matched(teacher: Trained, { name, preprocess }: StagedModel): Trained {
  const { names, graph } = teacher;
  const own = preprocess?.labels;
  if (!names || !own) return teacher;
  const [taught, learnt] = [
    { who: 'the teacher', names },
    { who: name, names: own },
  ];
  const { map, isSame } = matchClasses(taught, learnt);
  matchClasses(learnt, taught);
  const [[key, scores] = []] = Object.entries(graph.outputs);
  if (isSame || key === undefined || !scores) return teacher;
  const indices = own.map((_, index) => map.indexOf(index));
  const ordered = makeNode(selectChannels, [scores], { indices });
  return { ...teacher, graph: makeGraph({ ...graph.outputs, [key]: ordered }) };
}

/** The settings of a distillation with a teacher. */
function teacherOf(settings: Settings, { graph, weights }: Pick<Teacher, 'graph' | 'weights'>): Teacher {
  const { temperature, alpha, hints, hintWeight: weight } = complete(directives.distill.fields, settings);
  return {
    graph,
    weights,
    temperature,
    alpha,
    hints: hints.map(([student, teacher]) => ({ student, teacher, weight })),
  };
}

/** The stage that `teacher` names, or a model with the weights of a file or, without one, those published for it. */
async function trainedTeacher(directive: CheckedDirective, context: StageContext): Promise<Trained> {
  const staged = await context.teacher();
  if (staged) return { ...staged, names: staged.preprocess?.labels };
  const named = directive.settings.get('teacher');
  if (named?.kind !== 'model') throw new RangeError('a distill directive passed the checks without a teacher');
  const model = context.model(named.name, named.args);
  const path = named.file === undefined ? undefined : context.locate(named.file);
  const { weights, classNames: carried, source } = await teacherWeights(model, path, directive);
  const { names } = settleNames({ model: named.name, weights: source, carried, given: model.preprocess?.labels });
  return { graph: model.graph, weights, names };
}

/** Throws SourceError (E0701) at the file's name where it cannot be read. */
export async function teacherWeights(model: SourceModel, path: string | undefined, { declaration }: CheckedDirective) {
  try {
    return await importWeights(model, { weights: path }, 0);
  } catch (error) {
    const written = valueOf(declaration.entries, 'teacher');
    if (!(error instanceof RuntimeFault) || error.code !== 'E0710' || written?.kind !== 'attach') throw error;
    const help = 'train the teacher first; paths are as seen from this file, or from the folder in $CNNC_DATA';
    throw new SourceError([diagnostic('E0701', written.file.span, error.message, { help })]);
  }
}

/** What a directive asks for that its models cannot do, found without weights; `teacher` is the teacher's network. */
export const checkDistillStage = (source: Omit<TrainingSource, 'weights'>, graph: Teacher['graph']): Diagnostic[] =>
  checkTrainStage(source, { teacher: teacherOf(source.directive.settings, { graph, weights: new Map() }) });
