/** What differs between the recipe of a checkpoint and that of the run which is to go on from it. */
import { nameList } from '../class-names.ts';
import type { Recipe } from './recipe.ts';
import { stretches } from './loop/schedules.ts';

/** Settings that do not touch what a step computes: where files lie, and what is kept. */
const free = new Set([
  'checkpoint.every',
  'checkpoint.keep',
  'onNan',
  'data.path',
  'data.images',
  'data.masks',
  'data.labels',
]);

/**
 * One sentence a changed setting, as `lr is 0.05 and was 0.1`; none where the run can go on. Paths, what is kept of
 * checkpoints and `on_nan` may change, and so may the epochs where no schedule stretches to the end of the run.
 */
export function recipeChanges(saved: Recipe, now: Recipe): readonly string[] {
  return differences('', saved, now).flatMap(({ path, was, is }) => {
    const allowed = [...free].some((each) => path === each || path.startsWith(`${each}.`));
    if (allowed || (path === 'epochs' && !stretches(now.schedule.base))) return [];
    if (path === 'target.names') return [`the classes are ${namesOf(is)} and were ${namesOf(was)}`];
    const why = path === 'epochs' ? ', and the schedule of the rate stretches over all of them' : '';
    return [`${path} is ${textOf(is)} and was ${textOf(was)}${why}`];
  });
}

interface Difference {
  readonly path: string;
  readonly was: unknown;
  readonly is: unknown;
}

/** Leaves that differ; an array is a leaf where its length changed, and names of classes are one. */
function differences(path: string, was: unknown, is: unknown): readonly Difference[] {
  if (was === is) return [];
  const isList = path === 'target.names';
  if (isList && textOf(was) === textOf(is)) return [];
  const branches = !isList && isBranch(was) && isBranch(is) && Array.isArray(was) === Array.isArray(is);
  if (!branches || (Array.isArray(was) && Array.isArray(is) && was.length !== is.length)) return [{ path, was, is }];
  const [before, after] = [new Map(Object.entries(was)), new Map(Object.entries(is))];
  const keys = new Set([...before.keys(), ...after.keys()]);
  return [...keys].flatMap((key) => differences(path === '' ? key : `${path}.${key}`, before.get(key), after.get(key)));
}

const isBranch = (value: unknown): value is object => typeof value === 'object' && value !== null;
const namesOf = (value: unknown): string => (Array.isArray(value) ? nameList(value.map(String)) : 'not named');
const textOf = (value: unknown): string => (value === undefined ? 'not given' : JSON.stringify(value));
