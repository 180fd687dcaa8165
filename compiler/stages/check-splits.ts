/** Whether the parts of a dataset can be drawn, where the source alone tells how many samples there are. */
import { RuntimeFault } from '../../runtime/errors.ts';
import { syntheticDefaults } from '../../runtime/train/synthetic.ts';
import { resolveCounts } from '../../runtime/train/splits.ts';
import { diagnostic, type Diagnostic } from '../../grammar/diagnostics.ts';
import type { CheckedDirective } from '../analyze/index.ts';
import { spanOf } from '../analyze/written.ts';
import { dataSpecOf } from './recipe.ts';

/** E0605 at the `split` of generated data that cannot be divided so. */
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
    if (format !== 'synthetic' || !span) return [];
    try {
      resolveCounts(Math.min(samples, limit), split, [], `\`${name}\``);
      return [];
    } catch (error) {
      if (!(error instanceof RuntimeFault)) throw error;
      return [diagnostic('E0605', span, error.message, error.help === undefined ? {} : { help: error.help })];
    }
  });
}
