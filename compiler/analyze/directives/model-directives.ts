/** What directives say about one model: preprocessing, published weights, budgets. */
import { diagnostic, type Diagnostic } from '../../../grammar/diagnostics.ts';
import type { Span } from '../../../grammar/source.ts';
import { checkCount, isClassFault, namedTwice } from '../../../runtime/class-names.ts';
import { parseClassNames } from '../../../runtime/files/names-file.ts';
import type { Graph } from '../../ir/node.ts';
import type { Constraint } from './budget.ts';
import { complete, completeCall, valueIn } from './complete.ts';
import { preprocessing } from '../tables/preprocessing.ts';
import { directives as schemas } from './directive-schema.ts';
import { checkPictureSize } from './check-picture-size.ts';
import type { PlacedStep, PreprocessStep } from './preprocess-steps.ts';
import type { Setting } from './settings.ts';
import type { CheckedDirective } from './directives.ts';
import { resolveDataPath, type AnalyzeHost } from '../host.ts';

/** As the artifact's manifest holds it (`runtime/artifact.ts`). */
export interface Preprocess {
  steps: PreprocessStep[];
  labels?: string[];
}

export interface WeightsDirective {
  readonly name: string;
  /** Where the file lies: beside the source, else under `$CNNC_DATA`. */
  readonly path: string;
  readonly strict: boolean;
  /** Pairs (prefix of a name in the file, what takes its place). */
  readonly rename: readonly (readonly [string, string])[];
  readonly span: Span;
}

export interface BudgetDirective {
  readonly batch: number;
  readonly constraints: readonly Constraint[];
}

function stepOf(setting: Setting): PreprocessStep | undefined {
  if (setting.kind !== 'call') return undefined;
  const step = completeCall(preprocessing, setting);
  switch (step.kind) {
    case 'normalize':
      return { op: step.kind, mean: step.mean, std: step.std };
    case 'center_crop':
      return { op: step.kind, size: step.size };
    case 'resize':
      return { op: step.kind, size: step.height === undefined ? step.size : [step.size, step.height] };
  }
}

const placedStep = (item: Setting): PlacedStep[] => {
  const step = stepOf(item);
  return step && item.kind === 'call' ? [{ step, span: item.span }] : [];
};

/** How pictures are taken, in front of the other steps; no step where all is as it is without settings. */
function pictureSteps(settings: CheckedDirective['settings']): readonly PreprocessStep[] {
  const { orientation, alpha, channels, scale } = complete(schemas.preprocess.fields, settings);
  const step: PreprocessStep = {
    op: 'picture',
    ...(orientation === 'exif' ? {} : { orientation }),
    ...(alpha === 'white' ? {} : { alpha }),
    ...(channels === 'rgb' ? {} : { channels }),
    ...(scale === 'unit' ? {} : { scale: 255 }),
  };
  return Object.keys(step).length > 1 ? [step] : [];
}

/** Faults in the order and the lengths of preprocessing steps. */
export function checkPreprocess({ items }: CheckedDirective): Diagnostic[] {
  const diagnostics: Diagnostic[] = [];
  items.forEach((item, index) => {
    const step = stepOf(item);
    if (item.kind !== 'call' || step?.op !== 'normalize') return;
    if (step.mean.length !== step.std.length) {
      const message = `\`mean\` has ${step.mean.length} values and \`std\` has ${step.std.length}`;
      diagnostics.push(diagnostic('E0605', item.span, message, { help: 'give one value for each channel' }));
    }
    const next = items[index + 1];
    if (next?.kind !== 'call') return;
    diagnostics.push(
      diagnostic('E0604', next.span, `\`${next.name}\` cannot follow \`normalize\``, { help: 'put `normalize` last' }),
    );
  });
  return diagnostics;
}

/**
 * The preprocessing of a model with its class names. Reports E0701 where the file of the names cannot be read, and E0605
 * where it is none, or has not one for each score of the graph; warns of names that come twice (W0019).
 */
export function preprocessFor(
  model: string,
  directives: readonly CheckedDirective[],
  host: AnalyzeHost,
  graph: Graph | undefined,
): { readonly preprocess?: Preprocess; readonly diagnostics: readonly Diagnostic[] } {
  const directive = directives.find(({ word, target }) => word === 'preprocess' && target === model);
  if (!directive) return { diagnostics: [] };
  const placed = directive.items.flatMap(placedStep);
  const preprocess: Preprocess = {
    steps: [...pictureSteps(directive.settings), ...placed.map(({ step }) => step)],
  };
  const misfits = checkPictureSize(model, placed, directive, graph);
  const labels = directive.settings.get('labels');
  if (labels?.kind !== 'string') return { preprocess, diagnostics: misfits };
  const path = resolveDataPath(host, labels.span.file.path, labels.value);
  const text = host.readText(path);
  const help = 'paths are as seen from this file, or from the folder in $CNNC_DATA';
  if (text === undefined)
    return { preprocess, diagnostics: [...misfits, diagnostic('E0701', labels.span, `cannot read ${path}`, { help })] };
  try {
    preprocess.labels = namesOfScores(parseClassNames(text, path), { path, model, directives, graph });
    const twice = namedTwice({ who: path, names: preprocess.labels });
    return { preprocess, diagnostics: [...misfits, ...(twice === undefined ? [] : [twiceNamed(labels.span, twice)])] };
  } catch (error) {
    if (!isClassFault(error)) throw error;
    return {
      preprocess,
      diagnostics: [
        ...misfits,
        diagnostic('E0605', labels.span, error.message, { help: error.help ?? 'one name a line' }),
      ],
    };
  }
}

/** W0019; `message` as `namedTwice` has it. */
export const twiceNamed = (span: Span, message: string): Diagnostic =>
  diagnostic('W0019', span, message, { help: 'give every class a name of its own: classes are compared by name' });

interface Naming {
  readonly path: string;
  readonly model: string;
  readonly directives: readonly CheckedDirective[];
  readonly graph: Graph | undefined;
}

/** One name for each score; the class that a dataset ignores may be named behind them. Throws E0714. */
function namesOfScores(names: readonly string[], { path, model, directives, graph }: Naming): string[] {
  const channels = graph && Object.values(graph.outputs)[0]?.type.shape[1];
  if (typeof channels !== 'number') return [...names];
  const classes = channels === 1 ? 2 : channels;
  const ignores = directives.some(
    ({ word, settings }) => word === 'dataset' && valueIn(schemas.dataset.fields, 'ignore', settings) === classes,
  );
  const counted = ignores && names.length === classes + 1 ? names.slice(0, classes) : names;
  checkCount({ who: path, names: counted }, classes, model);
  return [...counted];
}

/** The weights that are published for a model, in the order of the file. */
export function weightsFor(
  model: string,
  directives: readonly CheckedDirective[],
  host: AnalyzeHost,
): WeightsDirective[] {
  return directives.flatMap(({ word, name, target, settings, declaration }) => {
    const file = settings.get('file');
    if (word !== 'weights' || target !== model || name === undefined || file?.kind !== 'string') return [];
    const path = resolveDataPath(host, declaration.span.file.path, file.value);
    const { strict, rename } = complete(schemas.weights.fields, settings);
    return [{ name, path, strict, rename, span: file.span }];
  });
}

/** The budgets of a model or a stage. */
export function budgetsFor(target: string, directives: readonly CheckedDirective[]): BudgetDirective[] {
  return directives
    .filter((directive) => directive.word === 'budget' && directive.target === target)
    .map(({ settings, constraints }) => ({ ...complete(schemas.budget.fields, settings), constraints }));
}
