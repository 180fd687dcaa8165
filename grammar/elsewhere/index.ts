/**
 * Names of PyTorch, torchvision, Keras and ONNX, but for those of calls in directives, which stand in the tables of these
 * (`compiler/analyze/tables/`). They feed help lines of every kind, and the page "Coming from PyTorch".
 */
import { argumentNames, neutralArguments, otherArguments } from './arguments.ts';
import { tableOf, type Foreign } from './entry.ts';
import { absent, stages, values } from './ops.ts';
import * as settings from './settings.ts';

export { foreignHelp, plainName, type Foreign } from './entry.ts';

export const foreignOp = tableOf([...stages, ...values, ...absent]);

export const foreignSettings = {
  key: tableOf(settings.keys),
  datasetKey: tableOf(settings.datasetKeys),
  word: tableOf(settings.words),
  metric: tableOf(settings.metrics),
} as const;

/** Modules and objects in front of a `.` that mean nothing here. */
export const foreignModules: ReadonlySet<string> = new Set([
  'nn', 'F', 'torch', 'torchvision', 'tf', 'keras', 'layers', 'np', 'numpy', 'jnp', 'jax', 'self', 'optim', 'transforms', 'T', 'onnx', 'functional',
]); // prettier-ignore

/** What an argument of another framework means for something with these parameters. */
export type ForeignArgument =
  | { readonly kind: 'called'; readonly here: string }
  /** It may be left out whatever its value. */
  | { readonly kind: 'neutral'; readonly why: string }
  | { readonly kind: 'other'; readonly help: string };

interface Renamed {
  readonly names: readonly string[];
  readonly here: readonly string[];
}

function renamed(rows: readonly Renamed[], name: string, parameters: readonly string[]): ForeignArgument | undefined {
  for (const row of rows) {
    const here = row.names.includes(name)
      ? row.here.find((each) => each !== name && parameters.includes(each))
      : undefined;
    if (here !== undefined) return { kind: 'called', here };
  }
  return undefined;
}

/** An argument of a layer or function. */
export function foreignArgument(name: string, parameters: readonly string[]): ForeignArgument | undefined {
  const called = renamed(argumentNames, name, parameters);
  if (called) return called;
  const neutral = neutralArguments.find(({ names }) => names.includes(name));
  if (neutral) return { kind: 'neutral', why: neutral.why };
  const other = otherArguments.find(({ names }) => names.includes(name));
  return other && { kind: 'other', help: other.help };
}

/** An argument of an optimizer, a schedule, a loss, an augmentation or a step of preprocessing. */
export function foreignSettingArgument(name: string, parameters: readonly string[]): ForeignArgument | undefined {
  const called = renamed(settings.settingArguments, name, parameters);
  if (called) return called;
  const other = settings.otherSettingArguments.find(({ names }) => names.includes(name));
  return other && { kind: 'other', help: other.help };
}

export function foreignArgumentHelp(argument: ForeignArgument): string {
  if (argument.kind === 'called') return `here it is called \`${argument.here}\``;
  return argument.kind === 'neutral' ? `leave it out: ${argument.why}` : argument.help;
}

/** Every row with the kind of place that its `here` is right in. */
export const foreignRows: Readonly<Record<string, readonly Foreign[]>> = { stages, values, absent, ...settings.rows };
