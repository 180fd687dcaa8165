/** `docs/std.md`: every block and model of the library, by the comments and signatures of its sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BlockDeclaration, Declaration, FunctionDeclaration } from '../../../../grammar/ast.ts';
import { parse } from '../../../../grammar/parse.ts';
import { code, markdownTable } from './markdown.ts';

interface Paper {
  /** As comments cite it. */
  readonly cited: string;
  readonly title: string;
  readonly arxiv?: string;
}

/** What the comments of the library cite. */
export const papers: readonly Paper[] = [
  { cited: 'LeCun et al. 1998', title: 'Gradient-based learning applied to document recognition' },
  { cited: 'He et al. 2015', title: 'Deep residual learning for image recognition', arxiv: '1512.03385' },
  {
    cited: 'Ronneberger et al. 2015',
    title: 'U-Net: convolutional networks for biomedical image segmentation',
    arxiv: '1505.04597',
  },
  {
    cited: 'Szegedy et al. 2015',
    title: 'Rethinking the inception architecture for computer vision',
    arxiv: '1512.00567',
  },
  {
    cited: 'Iandola et al. 2016',
    title: 'SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model size',
    arxiv: '1602.07360',
  },
  {
    cited: 'Howard et al. 2017',
    title: 'MobileNets: efficient convolutional neural networks for mobile vision applications',
    arxiv: '1704.04861',
  },
  { cited: 'Hu et al. 2018', title: 'Squeeze-and-excitation networks', arxiv: '1709.01507' },
  {
    cited: 'Ma et al. 2018',
    title: 'ShuffleNet V2: practical guidelines for efficient CNN architecture design',
    arxiv: '1807.11164',
  },
  {
    cited: 'Mehta et al. 2018',
    title: 'ESPNet: efficient spatial pyramid of dilated convolutions for semantic segmentation',
    arxiv: '1803.06815',
  },
  {
    cited: 'Sandler et al. 2018',
    title: 'MobileNetV2: inverted residuals and linear bottlenecks',
    arxiv: '1801.04381',
  },
  { cited: 'Howard et al. 2019', title: 'Searching for MobileNetV3', arxiv: '1905.02244' },
  {
    cited: 'Tan and Le 2019',
    title: 'EfficientNet: rethinking model scaling for convolutional neural networks',
    arxiv: '1905.11946',
  },
];

const introduction = `# The library

What \`import { NAME } from "std/FILE"\` brings. Made from the comments and signatures in \`stdlib/\` by \`cnnc reference\`.

A **block** is a piece of a network that is used by its name, like an op: \`x |> basic_block(64, stride=2)\`. The tensors
that go in are its first parameters, and what stands left of \`|>\` is the first of them; the parameters behind them are
settings, which are known while compiling. The capitalised names of its types are sizes that each use binds anew, and the
type behind \`->\` says what comes out. Every use has weights of its own, under the path of its label. A **model** is a
block that can be built, trained and run; inside of another model it is a block like any other. A **function** (\`fn\`)
computes numbers while compiling.

A setting of type \`op\` takes a block or an activation by its name: \`act=hard_swish\`, \`unit=bottleneck\`.
`;

/** The page, from the sources in a folder. */
export function libraryPage(folder: string): string {
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.cnn'))
    .toSorted();
  const sections = names.map((name) =>
    librarySection(name.replace(/\.cnn$/, ''), readFileSync(join(folder, name), 'utf8')),
  );
  const rows = papers.map(({ cited, title, arxiv }) => [cited, title, arxiv === undefined ? '' : `arXiv:${arxiv}`]);
  return `${introduction}\n${sections.join('\n\n')}\n\n## Papers\n\n${markdownTable(['cited as', 'title', ''], rows)}\n`;
}

function librarySection(name: string, text: string): string {
  const file = { path: `std/${name}`, text };
  const { program } = parse(file);
  const shown = program.declarations.filter(isShown);
  const of = (kind: 'model' | 'block' | 'fn'): string[] =>
    shown.filter((each) => each.kind === kind).map((each) => entry(each, text));
  const heading = /^(##[^\n]*\n)+(?=\n)/.exec(text)?.[0] ?? '';
  const about = heading.replaceAll(/^## ?/gm, '').trim();
  const names = shown.map((each) => code(each.name.name)).join(', ');
  return [`## ${code(`std/${name}`)}`, about, names, ...of('model'), ...of('block'), ...of('fn')]
    .filter((part) => part !== '')
    .join('\n\n');
}

const isShown = (declaration: Declaration): declaration is BlockDeclaration | FunctionDeclaration =>
  declaration.kind === 'block' || declaration.kind === 'model' || declaration.kind === 'fn';

function entry({ span, body, doc = '' }: BlockDeclaration | FunctionDeclaration, text: string): string {
  const signature = signatureOf(text.slice(span.start, body.span.start));
  return `\`\`\`\n${signature}\n\`\`\`\n\n${doc.replaceAll('\n', ' ').trim()}`;
}

const widest = 118;

/** On one line, or with the result on a second one. */
function signatureOf(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').replace('( ', '(').replace(/,? \)/, ')').trim();
  return line.length <= widest ? line : line.replace(/\) -> /, ')\n  -> ');
}
