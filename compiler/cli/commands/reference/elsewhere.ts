/** The tables of "Coming from PyTorch": what names of other frameworks are called here. */
import { argumentNames, neutralArguments, otherArguments } from '../../../../grammar/elsewhere/arguments.ts';
import type { Foreign } from '../../../../grammar/elsewhere/index.ts';
import { otherSettingArguments, settingArguments } from '../../../../grammar/elsewhere/settings.ts';
import { foreignRows } from '../../../analyze/directives/foreign-settings.ts';
import { asCalled } from '../../command-line.ts';
import { code, markdownTable } from './markdown.ts';

/** Notes name commands, which are called by npx in the documentation. */
const said = (note: string): string => asCalled('npx cnnc', note);

const codes = (names: readonly string[]): string => names.map(code).join(' ');

const rowsOf = (kinds: readonly string[]): readonly Foreign[] => kinds.flatMap((kind) => foreignRows[kind] ?? []);

function nameTable(...kinds: string[]): string {
  const rows = rowsOf(kinds).map(({ names, here, isMissing, note = '' }) => [
    codes(names),
    here === undefined || isMissing ? '' : code(here),
    said(note),
  ]);
  return markdownTable(['elsewhere', 'here', 'remarks'], rows);
}

/** Layers and functions. */
export const layerNames = (): string => nameTable('stages', 'values');

/** What there is not, with what to write instead. */
export const absentNames = (): string =>
  markdownTable(
    ['elsewhere', 'here'],
    rowsOf(['absent']).map(({ names, note = '' }) => [codes(names), said(note)]),
  );

/** Arguments of layers and functions. */
export const argumentTable = (): string =>
  markdownTable(
    ['elsewhere', 'here'],
    [
      ...argumentNames.map(({ names, here }) => [codes(names), codes(here)]),
      ...neutralArguments.map(({ names, why }) => [codes(names), `left out: ${why}`]),
      ...otherArguments.map(({ names, help }) => [codes(names), said(help)]),
    ],
  );

/** Everything that directives hold. */
export function trainingNames(): string {
  const parts: readonly (readonly [string, ...string[]])[] = [
    ['Optimizers, schedules and losses', 'optimizers', 'schedules', 'losses'],
    ['Augmentation and preprocessing', 'augmentations', 'preprocessing'],
    ['Keys of a training', 'keys'],
    ['Keys and formats of a dataset, metrics and directives', 'datasetKeys', 'formats', 'metrics', 'words'],
  ];
  const tables = parts.map(([title, ...kinds]) => `### ${title}\n\n${nameTable(...kinds)}`);
  const ofCalls = markdownTable(
    ['elsewhere', 'here'],
    [
      ...settingArguments.map(({ names, here }) => [codes(names), codes(here)]),
      ...otherSettingArguments.map(({ names, help }) => [codes(names), said(help)]),
    ],
  );
  return [...tables, `### Arguments of these\n\n${ofCalls}`].join('\n\n');
}
