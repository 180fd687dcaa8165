/** Parts of data, whose samples are labelled as a model's scores are: classes are matched by name. */
import { checkCount, checkNumbers, matchClasses, matchText, nameList } from '../class-names.ts';
import type { ClassMatch } from '../class-names.ts';
import type { Recipe } from '../train/recipe.ts';
import type { Sample, Target } from '../train/sample.ts';
import { badData } from './datasets/dataset.ts';
import type { Dataset } from './datasets/dataset.ts';
import type { Parts } from './datasets/open-parts.ts';

/** What a model tells apart. */
export interface Scores {
  /** How messages name the model. */
  readonly model: string;
  /** How many classes it scores; two for one that has a single score. */
  readonly classes: number;
  /** In the order of its scores, where they are known. */
  readonly names?: readonly string[] | undefined;
}

/** What the model of a recipe tells apart. */
export const scoresFor = ({ classes, names }: Recipe['target'], model: string): Scores => ({ model, classes, names });

export interface Aligned {
  readonly parts: Parts;
  /** As labels now count: those of the model where they are known, else of the training part. */
  readonly classNames: readonly string[] | undefined;
  /** Of the model, but not of the training part. */
  readonly missing: readonly string[];
  /** What was matched, for people. */
  readonly notes: readonly string[];
}

interface Rules {
  /** As the source gives them. */
  readonly classes?: number | undefined;
  readonly ignore?: number | undefined;
}

/**
 * Brings the labels of all parts into the order of the model's scores, or else of the training part. A part may lack
 * classes; one that has others is E0714, and so is another number of classes than the model gives.
 */
export function alignParts(parts: Parts, rules: Rules, scores: Scores | undefined): Aligned {
  const pool = named(parts.pool, rules, scores);
  const names = pool.classNames;
  const wanted = scores && ordered(names, rules, scores);
  const notes: string[] = [];
  const own = names && wanted ? matchClasses({ who: 'the data', names }, wanted) : undefined;
  const said = own && wanted && matchText(own, 'the data', wanted.who);
  if (said !== undefined) notes.push(said);
  const other = (part: Dataset | undefined, who: string): Dataset | undefined => {
    const found = part && named(part, rules, scores);
    if (!names || !found?.classNames) return found && relabelled(found, own, rules);
    const training = { who: 'the training part', names };
    const match = matchClasses({ who, names: found.classNames }, training);
    const text = matchText(match, who, training.who);
    if (text !== undefined) notes.push(text);
    return relabelled(found, own ? chained(match, own) : match, rules);
  };
  const [val, test] = [other(parts.val, 'the validation part'), other(parts.test, 'the test part')];
  return {
    parts: { ...parts, pool: relabelled(pool, own, rules), val, test },
    classNames: wanted?.names ?? names,
    missing: own?.missing ?? [],
    notes,
  };
}

/** A dataset without the name of the class to ignore, where this is one behind those that count. */
function named(dataset: Dataset, { classes, ignore }: Rules, scores: Scores | undefined): Dataset {
  const { classNames } = dataset;
  if (!classNames) return dataset;
  const counted = withoutIgnored(classNames, classes ?? scores?.classes, ignore);
  if (classes !== undefined && counted.length !== classes) {
    const help = 'set `classes` to the number of the names, or leave it out';
    throw badData(`the data has ${nameList(counted)}; \`classes\` is ${classes}`, help);
  }
  return counted === classNames ? dataset : { ...dataset, classNames: counted };
}

const withoutIgnored = (
  names: readonly string[],
  classes: number | undefined,
  ignore: number | undefined,
): readonly string[] =>
  ignore !== undefined && ignore === classes && names.length === classes + 1 ? names.slice(0, classes) : names;

/** The model's classes where it names them; their number is compared in any case. */
function ordered(names: readonly string[] | undefined, { classes, ignore }: Rules, scores: Scores) {
  const { model } = scores;
  const own = scores.names && withoutIgnored(scores.names, scores.classes, ignore);
  if (own) checkCount({ who: `the list of classes of ${model}`, names: own }, scores.classes, model);
  // A model whose classes are named may have more of them than the data.
  else if (names) checkCount({ who: 'the data', names }, scores.classes, model);
  else if (classes !== undefined) checkNumbers('the data', classes, scores.classes, model);
  return own && { who: model, names: own };
}

const chained = (first: ClassMatch, second: ClassMatch): ClassMatch => {
  const map = first.map.map((index) => second.map[index] ?? index);
  return { map, isSame: map.every((index, at) => index === at), missing: second.missing };
};

function relabelled(dataset: Dataset, match: ClassMatch | undefined, { ignore }: Rules): Dataset {
  if (!match || match.isSame) return dataset;
  const { map } = match;
  const taken = map.findIndex((index, at) => (index === ignore) !== (at === ignore));
  if (taken >= 0) {
    const help = 'list the classes in one order everywhere, or ignore a number behind all classes';
    throw badData(`the class to ignore, ${ignore}, is another one where classes are matched by name`, help);
  }
  const { labels } = dataset;
  const labelOf = (label: number): number => map[label] ?? label;
  return {
    ...dataset,
    labels: labels && (async () => Array.from(await labels(), labelOf)),
    async read(index): Promise<Sample> {
      const sample = await dataset.read(index);
      return { ...sample, target: targetAs(sample.target, labelOf) };
    },
  };
}

function targetAs(target: Target, labelOf: (label: number) => number): Target {
  if (target.kind === 'class') return { kind: 'class', label: labelOf(target.label) };
  const table = Uint8Array.from({ length: 256 }, (_, label) => labelOf(label));
  return { kind: 'mask', mask: { ...target.mask, data: target.mask.data.map((label) => table[label] ?? label) } };
}

/** Classes that no label names, as a sentence; undefined where there are none. */
export function emptyClasses(
  labels: ArrayLike<number>,
  classes: number,
  {
    names,
    ignore,
    besides,
  }: {
    readonly names: readonly string[] | undefined;
    readonly ignore: number | undefined;
    readonly besides: readonly string[];
  },
  where: string,
): string | undefined {
  const seen = new Set(Array.from(labels));
  const empty: string[] = [];
  for (let index = 0; index < classes; index++) {
    const name = names?.[index] ?? String(index);
    if (!seen.has(index) && index !== ignore && !besides.includes(name)) empty.push(name);
  }
  if (empty.length === 0) return undefined;
  const words = empty.length === 1 ? 'the class' : `${empty.length} classes`;
  return `${where} has no sample of ${words} ${nameList(empty)}`;
}
