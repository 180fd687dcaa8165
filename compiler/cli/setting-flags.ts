/** Flags that stand for settings of a directive. */
import type { Span } from '../../grammar/source.ts';
import { openProject } from '../driver/project.ts';
import { withStages, type StagedProject } from '../stages/run/pick-stages.ts';

export interface SettingFlags {
  readonly set?: readonly string[];
  readonly epochs?: number;
  readonly batch?: number;
  readonly lr?: string;
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

/** Throws SourceError for faults in the source or in a setting's value, and E0001 where a key is unknown. */
export const openStages = async (target: string, flags: SettingFlags): Promise<StagedProject> =>
  withStages(await openProject(target, { settings: settingsOf(flags) }));
