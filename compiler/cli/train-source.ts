/** What a train command works on: the directive that it names, with the settings of its flags, and the model. */
import type { Span } from '../../grammar/source.ts';
import { didYouMean } from '../../grammar/suggest.ts';
import { analyze, nodeHost, OverrideError } from '../analyze/index.ts';
import type { AnalyzedProgram, CheckedDirective, SettingOverrides } from '../analyze/index.ts';
import { sizesOf } from '../stages/train/from-directive.ts';
import { SourceError, usageError } from '../driver/failure.ts';
import { requireFile } from '../driver/require-file.ts';
import { modelOf, parseTarget, type SourceModel } from '../driver/source-model.ts';

/** Flags that stand for settings of the directive. */
export interface SettingFlags {
  readonly set?: readonly string[];
  readonly epochs?: number;
  readonly batch?: number;
  readonly lr?: string;
}

export interface TrainSource extends SourceModel {
  readonly directive: CheckedDirective;
}

/** Throws SourceError for faults in the source or in a setting's value, and E0001 where a key or a name is unknown. */
export async function loadTrainSource(
  target: string,
  flags: SettingFlags,
  parameters: Readonly<Record<string, string>> | undefined,
): Promise<TrainSource> {
  const { file, model: wanted } = parseTarget(target);
  await requireFile(file);
  const program = analyzeWith(file, { settings: settingsOf(flags), chosen: wanted });
  if (program.diagnostics.some(({ severity }) => severity === 'error')) throw new SourceError(program.diagnostics);
  const directive = pickDirective(program, wanted);
  const { N: _, ...dims } = sizesOf(directive.settings.get('shape'));
  return { ...modelOf(program, directive.target, { arguments: parameters, dims }), directive };
}

/** What flags set, as texts with places. */
export function settingsOf({ set = [], epochs, batch, lr }: SettingFlags): Span[] {
  const short = Object.entries({ epochs, batch, lr }).flatMap(([key, value]) =>
    value === undefined ? [] : spansOf(`--${key}`, [`train.${key}=${value}`]),
  );
  return [...short, ...spansOf('--set', set)];
}

/** Each setting is a line of a text that is called like its flag. */
function spansOf(path: string, lines: readonly string[]): Span[] {
  const file = { path, text: lines.join('\n') };
  let end = -1;
  return lines.map((line) => {
    const start = end + 1;
    end = start + line.length;
    return { file, start, end };
  });
}

/** Throws E0001 where a key is unknown. */
export function analyzeWith(file: string, overrides: SettingOverrides): AnalyzedProgram {
  try {
    return analyze(file, nodeHost(), overrides);
  } catch (error) {
    if (error instanceof OverrideError) throw usageError(error.message, error.help);
    throw error;
  }
}

function pickDirective({ file, directives }: AnalyzedProgram, wanted: string | undefined): CheckedDirective {
  const all = directives.filter(({ word }) => word === 'train');
  const names = all.map(({ name = '' }) => name);
  const found = wanted === undefined ? all : all.filter(({ name }) => name === wanted);
  const [only, second] = found;
  if (only && !second) return only;
  const list = names.join(', ');
  if (only)
    throw usageError(`${file.path} has several train directives: ${list}`, `name one: ${file.path}:${names[0]}`);
  const help = names.length > 0 ? `it has ${list}` : 'write `train NAME for MODEL { ... }`';
  if (wanted === undefined) throw usageError(`${file.path} has no train directive`, help);
  throw usageError(`${file.path} trains no ${wanted}`, didYouMean(wanted, names) ?? help);
}
