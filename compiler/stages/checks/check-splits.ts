/** Whether the parts of a dataset can be drawn, as far as the source alone tells. */
import { RuntimeFault } from '../../../runtime/errors.ts';
import { dataFormats } from '../../../runtime/train/data-formats.ts';
import { checkShares, resolveCounts } from '../../../runtime/train/splits.ts';
import { diagnostic, type Diagnostic } from '../../../grammar/diagnostics.ts';
import type { CheckedDirective } from '../../analyze/index.ts';
import { spanOf } from '../../analyze/directives/written.ts';
import { dataSpecOf } from '../train/recipe.ts';
import { syntheticDefaults } from '../../../runtime/train/synthetic-defaults.ts';

/** E0605 at the `split` of generated data that cannot be divided so, and of other data whose shares are more than all. */
export function checkSplits(directives: readonly CheckedDirective[]): Diagnostic[] {
  return directives.flatMap((directive) => {
    const { word, name = '', declaration } = directive;
    if (word !== 'dataset') return [];
    const {
      format,
      samples = syntheticDefaults.samples,
      limit = samples,
      split,
    } = dataSpecOf(directive, (path) => path);
    const span = spanOf(declaration.entries, 'split');
    if (!span) return [];
    try {
      if (format === 'synthetic') resolveCounts(Math.min(samples, limit), split, [], `\`${name}\``);
      else checkShares(split, dataFormats[format].apart, `\`${name}\``);
      return [];
    } catch (error) {
      if (!(error instanceof RuntimeFault)) throw error;
      return [diagnostic('E0605', span, error.message, error.help === undefined ? {} : { help: error.help })];
    }
  });
}
