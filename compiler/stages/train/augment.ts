/** The augmentations of a directive as the recipe has them. */
import type { Setting, Settings } from '../../analyze/directive-values.ts';
import type { Augment } from '../../../runtime/train/recipe.ts';
import { numberOf, pairOf } from '../run/settings.ts';

export const augmentsOf = (items: readonly Setting[]): Augment[] =>
  items.flatMap((item) => (item.kind === 'call' ? (augmentOf(item.name, item.args) ?? []) : []));

function augmentOf(name: string, args: Settings): Augment | undefined {
  const number = (key: string, fallback: number): number => numberOf(args.get(key)) ?? fallback;
  switch (name) {
    case 'random_crop':
      return { kind: name, size: number('size', 1), pad: number('pad', 0) };
    case 'random_resized_crop': {
      const [scale, ratio] = [pairOf(args.get('scale')), pairOf(args.get('ratio'))];
      return { kind: name, size: number('size', 1), scale: scale ?? [0.08, 1], ratio: ratio ?? [3 / 4, 4 / 3] };
    }
    case 'horizontal_flip':
    case 'vertical_flip':
      return { kind: name, p: number('p', 0.5) };
    case 'color_jitter':
      return { kind: name, strength: number('strength', 0) };
    case 'random_rotation':
      return { kind: name, degrees: number('degrees', 0) };
    case 'cutout':
      return { kind: name, size: number('size', 1), p: number('p', 1) };
    case 'mixup':
      return { kind: name, alpha: number('alpha', 0.2) };
    default:
      return undefined;
  }
}
