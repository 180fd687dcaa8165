/** Lays a DOT text out as SVG with Graphviz, which runs as WebAssembly from an optional package. */
import * as v from 'valibot';
import { CommandError } from '../../../driver/failure.ts';
import { fonts } from './dot.ts';
import { placeCaptions } from './place-captions.ts';

/**
 * What texts are measured in: of the families that the picture names the widest, so that no text leaves its box whichever
 * of them a system has. Of a list of names Graphviz would take none, and measure in Times.
 */
const widestFont = 'DejaVu Sans';

/** Throws E0908 where the package is not installed. */
export async function svgOf(dot: string): Promise<string> {
  const { instance } = await import('@viz-js/viz').catch(() => {
    throw new CommandError(
      'E0908',
      'pictures need the optional package @viz-js/viz, which is not installed',
      'npm install @viz-js/viz, or take the text with --graph dot',
    );
  });
  const viz = await instance();
  const { status, output, errors } = viz.renderFormats(dot.replaceAll(fonts, widestFont), ['svg', 'json']);
  if (status === 'failure') throw new Error(errors.map(({ message }) => message).join('; '));
  const svg = placeCaptions(output['svg'] ?? '', captionWidths(output['json'] ?? ''));
  return withTextOnTop(svg.replaceAll(`font-family="${widestFont}"`, `font-family="${fonts}"`));
}

const pointsInInch = 72;

/** What is read of Graphviz' own description of the picture, in which numbers are texts. */
const laidOut = v.object({
  objects: v.optional(
    v.array(v.object({ name: v.optional(v.string()), lwidth: v.optional(v.string()), room: v.optional(v.string()) })),
    [],
  ),
});

/** Widths of captions, less the room that `dot.ts` adds beside them, in points by the name of the box. */
function captionWidths(json: string): ReadonlyMap<string, number> {
  return new Map(
    v
      .parse(laidOut, JSON.parse(json))
      .objects.filter(({ name }) => name?.startsWith('cluster_'))
      .map(({ name = '', lwidth = '0', room = '0' }) => [name, Number(lwidth) * pointsInInch - Number(room)]),
  );
}

/** Captions go to the end, each with a border of paper: where there is no way around, an arrow crosses below them. */
function withTextOnTop(svg: string): string {
  const texts: string[] = [];
  const rest = svg.replaceAll(/<g id="[^"]*" class="cluster">.*?<\/g>/gs, (group) =>
    group.replaceAll(/<text .*?<\/text>\n?/gs, (text) => {
      texts.push(text);
      return '';
    }),
  );
  const halo = 'stroke="#ffffff" stroke-width="3" stroke-opacity="0.9" stroke-linejoin="round" paint-order="stroke"';
  return rest.replace(/<\/g>\s*<\/svg>\s*$/, () => `<g ${halo}>\n${texts.join('')}</g>\n</g>\n</svg>\n`);
}
