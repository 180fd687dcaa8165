/** Lays a DOT text out as SVG with Graphviz, which runs as WebAssembly from an optional package. */
import { CommandError } from '../failure.ts';

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
  return withTextOnTop(withSlack(viz.renderString(dot, { format: 'svg' })));
}

/**
 * Graphviz measures texts as Arial. Where a system has only a wider font (DejaVu Sans: by a sixth), texts would leave
 * their boxes, so they are drawn a little smaller than they were measured.
 */
const withSlack = (svg: string): string =>
  svg.replaceAll(/font-size="([\d.]+)"/g, (_, size: string) => `font-size="${(Number(size) * slack).toFixed(2)}"`);

const slack = 0.86;

/** Titles of boxes and shapes on edges go to the end, each with a border of paper: an edge may cross but not hide them. */
function withTextOnTop(svg: string): string {
  const texts: string[] = [];
  const rest = svg.replaceAll(/<g id="[^"]*" class="(?:cluster|edge)">.*?<\/g>/gs, (group) =>
    group.replaceAll(/<text .*?<\/text>\n?/gs, (text) => {
      texts.push(text);
      return '';
    }),
  );
  const halo = 'stroke="#ffffff" stroke-width="3" stroke-opacity="0.9" stroke-linejoin="round" paint-order="stroke"';
  return rest.replace(/<\/g>\s*<\/svg>\s*$/, () => `<g ${halo}>\n${texts.join('')}</g>\n</g>\n</svg>\n`);
}
