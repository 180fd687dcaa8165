/** Warnings about directives that need the built model: patterns that match no parameter, and losses that do not fit. */
import { diagnostic, type Diagnostic } from '../../../grammar/diagnostics.ts';
import type { Span } from '../../../grammar/source.ts';
import { didYouMean } from '../../../grammar/suggest.ts';
import type { BuiltModel } from '../build-ir.ts';
import type { Setting, Settings } from '../directives/settings.ts';
import type { CheckedDirective } from '../directives/directives.ts';
import { preludeValues } from '../prelude/prelude.ts';
import { spanOf } from '../directives/written.ts';

/** `models` by name: those that have been built. */
export function warnModels(
  directives: readonly CheckedDirective[],
  models: ReadonlyMap<string, BuiltModel>,
): Diagnostic[] {
  return directives.flatMap((directive) => {
    const model = directive.target === undefined ? undefined : models.get(directive.target);
    return model?.graph
      ? [
          ...unmatchedPatterns(directive, model),
          ...softmaxTwice(directive, model),
          ...regressedClasses(directive, model),
        ]
      : [];
  });
}

const globKeys = ['skip', 'keep_float', 'except'];

/** W0010. Words such as `bias` and `bn` may mean a kind of parameter, and a pattern may mean any part of a path. */
function unmatchedPatterns({ settings, target }: CheckedDirective, { parameters }: BuiltModel): Diagnostic[] {
  const names = parameters.map(({ name }) => name);
  return globsIn(settings).flatMap(({ text, span }) => {
    if (preludeValues.has(text) || names.some((name) => occursIn(name, text))) return [];
    const near = didYouMean(text.replace(/[.*]+$/, ''), new Set(names.flatMap((name) => name.split('.'))));
    const help = near ?? 'parameters have state_dict names, as `cnnc inspect FILE` lists them';
    return [diagnostic('W0010', span, `no parameter of \`${target ?? ''}\` matches \`${text}\``, { help })];
  });
}

/** Whether the pieces between the `*` follow each other somewhere in the name. */
function occursIn(name: string, pattern: string): boolean {
  let from = 0;
  for (const piece of pattern.split('*')) {
    const at = name.indexOf(piece, from);
    if (at < 0) return false;
    from = at + piece.length;
  }
  return true;
}

interface Glob {
  readonly text: string;
  readonly span: Span;
}

function globsIn(settings: Settings): Glob[] {
  return [...settings].flatMap(([key, setting]): Glob[] => {
    if (setting.kind === 'group') return globsIn(setting.entries);
    if (setting.kind === 'call') return globsIn(setting.args);
    if (setting.kind !== 'list' || !globKeys.includes(key)) return [];
    return setting.elements.flatMap((each) => (each.kind === 'string' ? [{ text: each.value, span: each.span }] : []));
  });
}

/** W0012: cross entropy takes logits, so that a model that ends with a softmax learns from flat gradients. */
function softmaxTwice({ settings, declaration, target }: CheckedDirective, { graph }: BuiltModel): Diagnostic[] {
  const end = Object.values(graph?.outputs ?? {}).find(({ op }) => op.name === 'softmax');
  const place = end?.origin?.spans[0];
  const loss = settings.get('loss');
  const span = spanOf(declaration.entries, 'loss');
  if (!place || !span || !loss || !isCrossEntropy(loss)) return [];
  const message = `\`cross_entropy\` computes the softmax itself, and \`${target ?? ''}\` ends with one`;
  return [
    diagnostic('W0012', span, message, {
      notes: [{ message: 'the model ends here', span: place }],
      help: 'leave the softmax out of the model: the class with the largest score is the same',
    }),
  ];
}

const regressions: ReadonlySet<string> = new Set(['mse', 'l1', 'huber']);

/** W0020: labels are numbers of classes, which no loss of regression takes as they are. */
function regressedClasses({ settings, declaration }: CheckedDirective, { graph }: BuiltModel): Diagnostic[] {
  const [scores] = Object.values(graph?.outputs ?? {});
  const loss = settings.get('loss');
  const span = spanOf(declaration.entries, 'loss');
  if (!scores || !span || loss?.kind !== 'sum') return [];
  // A single score learns the label itself, and probabilities are what the vectors of 0 and 1 are.
  if (scores.type.shape[1] === 1 || scores.op.name === 'softmax' || scores.op.name === 'sigmoid') return [];
  const names = loss.terms.flatMap(({ loss: each }) => (each.kind === 'call' ? [each.name] : []));
  const [name] = names;
  if (name === undefined || !names.every((each) => regressions.has(each))) return [];
  const message = `\`${name}\` takes a class as a vector that is 1 at its number and 0 elsewhere, not as the number`;
  return [diagnostic('W0020', span, message, { help: 'to tell classes apart, write `cross_entropy()`' })];
}

const isCrossEntropy = (loss: Setting): boolean =>
  loss.kind === 'sum' && loss.terms.some((term) => term.loss.kind === 'call' && term.loss.name === 'cross_entropy');
