/** Whether the crop of an augmentation gives pictures as the model takes them. */
import { diagnostic, type Diagnostic } from '../../../grammar/diagnostics.ts';
import type { CheckedDirective } from '../../analyze/index.ts';

/** E0605 at the last crop, behind which nothing changes the size of a picture; pictures of any size come out of it alike. */
export function cropFault(
  { settings }: Pick<CheckedDirective, 'settings'>,
  model: string,
  [height, width]: readonly [number, number],
): Diagnostic[] {
  const augment = settings.get('augment');
  const crop = (augment?.kind === 'group' ? augment.items : []).findLast(
    (item) => item.kind === 'call' && (item.name === 'random_crop' || item.name === 'random_resized_crop'),
  );
  if (crop?.kind !== 'call') return [];
  const given = crop.args.get('size');
  const size = given?.kind === 'number' ? given.value : undefined;
  if (size === undefined || (size === height && size === width)) return [];
  const message = `pictures are ${size}x${size} behind this, but \`${model}\` takes ${width}x${height}`;
  const help = width === height ? `write \`${crop.name}(${width}px)\`` : 'crops are square: leave it out';
  return [diagnostic('E0605', crop.span, message, { help })];
}
