/** Warnings about what is right in other frameworks, or for other numbers, and rarely meant here. */
import type { BlockDeclaration, Expression } from '../../../grammar/ast.ts';
import { diagnostic, type Diagnostic } from '../../../grammar/diagnostics.ts';
import type { CheckedDirective } from '../directives/directives.ts';
import type { Setting } from '../directives/settings.ts';
import { textOf } from '../values/type-match.ts';

/** W0013: inputs such as `f32[N, 224, 224, 3]`, whose axis of 224 would be taken for the channels. */
export function channelsLast({ parameters }: BlockDeclaration): Diagnostic[] {
  return parameters.flatMap(({ type }) => {
    const [batch, height, width, channels, ...more] = type.dims ?? [];
    if (!batch || !height || !width || !channels || more.length > 0) return [];
    if (!isChannels(channels) || !isSide(height, /^h/i) || !isSide(width, /^w/i)) return [];
    // One column is what a row of samples looks like, too; pictures with one channel are mostly square.
    if (textOf(channels.span) === '1' && textOf(height.span) !== textOf(width.span)) return [];
    const [n, h, w, c] = [batch, height, width, channels].map(({ span }) => textOf(span));
    const help = `channels come first: write \`${textOf(type.name.span)}[${n}, ${c}, ${h}, ${w}]\``;
    return [
      diagnostic('W0013', type.span, `this input looks like [N, H, W, C], and ${h} is taken for its channels`, {
        help,
      }),
    ];
  });
}

const isChannels = (dim: Expression): boolean => dim.kind === 'number' && [1, 3, 4].includes(dim.value);

const isSide = (dim: Expression, name: RegExp): boolean =>
  dim.kind === 'number' ? dim.value >= 8 : dim.kind === 'name' && name.test(dim.name);

const numbersIn = (setting: Setting | undefined): number[] =>
  setting?.kind === 'list' ? setting.elements.flatMap((each) => (each.kind === 'number' ? [each.value] : [])) : [];

/** W0015: means of 0..255 for pictures of 0..1. */
export function meansBeyondOne({ word, settings, items }: CheckedDirective): Diagnostic[] {
  // Where the numbers have another scale, the means are those of that scale.
  const scale = settings.get('scale');
  const isScaled = scale?.kind === 'name' && scale.value !== 'unit';
  if (word !== 'preprocess' || isScaled) return [];
  return items.flatMap((item) => {
    if (item.kind !== 'call' || item.name !== 'normalize') return [];
    const [mean, std] = [numbersIn(item.args.get('mean')), numbersIn(item.args.get('std'))];
    if (!mean.some((value) => Math.abs(value) > 1)) return [];
    const scaled = (values: readonly number[]): string =>
      `[${values.map((value) => Number((value / 255).toPrecision(4))).join(', ')}]`;
    const help = `if the means are of 0..255, write \`normalize(mean=${scaled(mean)}, std=${scaled(std)})\``;
    return [diagnostic('W0015', item.span, 'a mean lies beyond 0..1, the range of the numbers of a picture', { help })];
  });
}
