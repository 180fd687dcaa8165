/** Typed reading of checked directive settings, with the defaults that the schema documents. */
import type { Setting, Settings } from '../../analyze/directive-values.ts';
import type { Time } from '../../../runtime/train/recipe.ts';
import type { SplitSize } from '../../../runtime/train/splits.ts';

export const numberOf = (setting: Setting | undefined): number | undefined =>
  setting?.kind === 'number' ? setting.value : undefined;

/** A number of samples, or their share. */
export const sizeOf = (setting: Setting | undefined): SplitSize | undefined => {
  if (setting?.kind !== 'number') return undefined;
  return setting.quantity === 'share' ? { share: setting.value } : setting.value;
};

export const numbersOf = (setting: Setting | undefined): number[] | undefined =>
  setting?.kind === 'list' ? setting.elements.flatMap((each) => numberOf(each) ?? []) : undefined;

/** A string, a choice, a metric or a reference. */
export const textOf = (setting: Setting | undefined): string | undefined =>
  setting?.kind === 'string' || setting?.kind === 'name' ? setting.value : undefined;

export const boolOf = (setting: Setting | undefined): boolean | undefined =>
  setting?.kind === 'bool' ? setting.value : undefined;

export const groupOf = (setting: Setting | undefined): Settings | undefined =>
  setting?.kind === 'group' ? setting.entries : undefined;

export type CallSetting = Extract<Setting, { kind: 'call' }>;

export const callOf = (setting: Setting | undefined): CallSetting | undefined =>
  setting?.kind === 'call' ? setting : undefined;

/** A length or moment of the run; a number without a unit counts epochs. */
export function timeOf(setting: Setting | undefined): Time | undefined {
  if (setting?.kind !== 'number') return undefined;
  return { value: setting.value, unit: setting.quantity === 'steps' ? 'steps' : 'epochs' };
}

export const timesOf = (setting: Setting | undefined): Time[] =>
  setting?.kind === 'list' ? setting.elements.flatMap((each) => timeOf(each) ?? []) : [];

/** Two numbers of a list. */
export function pairOf(setting: Setting | undefined): [number, number] | undefined {
  const [first, second] = numbersOf(setting) ?? [];
  return first !== undefined && second !== undefined ? [first, second] : undefined;
}
