/** Whether stages that follow each other through `from` fit: one model, and nothing behind what is int8. */
import { stageWords } from './directive-schema.ts';
import { report, type Scope } from '../names/scope.ts';
import type { Settings } from './settings.ts';

/** The part of a checked directive that matters here. */
interface Stage {
  readonly word: string;
  readonly name?: string;
  readonly target?: string;
  readonly settings: Settings;
}

/** Reports E0611 at the `from` of a stage that cannot start there, and at a teacher that is int8. */
export function checkStageChains(checked: readonly Stage[], scope: Scope): void {
  const stages = checked.filter(({ word }) => stageWords.some((each) => each === word));
  for (const stage of stages) {
    const teacher = stage.settings.get('teacher');
    const taughtBy = teacher?.kind === 'name' ? stages.find(({ name }) => name === teacher.value) : undefined;
    if (teacher?.kind === 'name' && taughtBy?.word === 'quantize') {
      const message = `\`${teacher.value}\` cannot be a teacher: it is int8`;
      report(scope, 'E0611', teacher.span, message, { help: 'name the stage that it is made from' });
    }
    const from = stage.settings.get('from');
    const before = from?.kind === 'name' ? stages.find(({ name }) => name === from.value) : undefined;
    if (!before || from?.kind !== 'name') continue;
    const [name, upstream] = [stage.name ?? '', before.name ?? ''];
    if (stage.target !== before.target && stage.target !== undefined && before.target !== undefined) {
      const message = `\`${name}\` is for ${stage.target}, and \`${upstream}\` for ${before.target}`;
      const help = `start from a stage of ${stage.target}`;
      report(scope, 'E0611', from.span, message, { help });
    } else if (before.word === 'quantize') {
      const message = `\`${name}\` cannot start from \`${upstream}\`, which is int8 already`;
      report(scope, 'E0611', from.span, message, { help: 'quantize last: train, prune, distill, then quantize' });
    }
  }
}
