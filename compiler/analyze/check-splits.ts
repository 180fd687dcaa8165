/** Whether the parts of a dataset can be drawn, where the source alone tells how many samples there are. */
import { RuntimeFault } from '../../runtime/errors.ts';
import { syntheticDefaults } from '../../runtime/train/synthetic.ts';
import { resolveCounts, splitNames, type SplitSize } from '../../runtime/train/splits.ts';
import type { CheckedDirective } from './directives.ts';
import { report, type Scope } from './scope.ts';
import type { Setting } from './settings.ts';
import { spanOf } from './written.ts';

/** Reports E0605 at the `split` of generated data that cannot be divided so. */
export function checkSplits(directives: readonly CheckedDirective[], scope: Scope): void {
  for (const { word, name, settings, declaration } of directives) {
    const [format, split] = [settings.get('format'), settings.get('split')];
    if (word !== 'dataset' || format?.kind !== 'name' || format.value !== 'synthetic' || split?.kind !== 'group')
      continue;
    const pool = Math.min(
      numberIn(settings.get('samples')) ?? syntheticDefaults.samples,
      numberIn(settings.get('limit')) ?? Infinity,
    );
    const asked = Object.fromEntries(splitNames.map((part) => [part, sizeIn(split.entries.get(part))]));
    try {
      resolveCounts(pool, asked, [], `\`${name ?? 'the dataset'}\``);
    } catch (error) {
      if (!(error instanceof RuntimeFault)) throw error;
      const help = error.help === undefined ? {} : { help: error.help };
      report(scope, 'E0605', spanOf(declaration.entries, 'split') ?? declaration.word.span, error.message, help);
    }
  }
}

const numberIn = (setting: Setting | undefined): number | undefined =>
  setting?.kind === 'number' ? setting.value : undefined;

function sizeIn(setting: Setting | undefined): SplitSize | undefined {
  if (setting?.kind !== 'number') return undefined;
  return setting.quantity === 'share' ? { share: setting.value } : setting.value;
}
