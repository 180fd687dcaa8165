/** `cnnc inspect --graph`: what is drawn, what is folded, and that the SVG is XML. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cnnc, workshop } from './cnnc.ts';

const dotOf = async (target: string, ...flags: string[]): Promise<string> => {
  const ran = await cnnc('inspect', target, '--graph', 'dot', ...flags);
  expect(ran).toMatchObject({ code: 0, err: '' });
  return ran.out;
};

const plain = (html: string): string =>
  html
    .replaceAll(/<BR[^>]*>/g, '\n')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll('&gt;', '>')
    .replaceAll(/ +/g, ' ')
    .trim();

/** Titles of boxes, with the nesting that the indentation shows. */
const boxesOf = (dot: string): string[] =>
  [...dot.matchAll(/^( *)graph \[label=<(.*?)>, room=/gm)].map(
    ([, indent = '', label = '']) => `${' '.repeat(indent.length - 4)}${plain(label).split('\n')[0]?.trim()}`,
  );

/** Rows of each card by its id. */
const cardsOf = (dot: string): Map<string, string> =>
  new Map([...dot.matchAll(/^ *(n\d+) \[label=<(.*?)>, /gm)].map(([, id = '', label = '']) => [id, plain(label)]));

/** The shape that a card gives is its last word. */
const shapeIn = (card: string | undefined): string => card?.split(' ').at(-1) ?? '';

const edgesOf = (dot: string): string[] =>
  [...dot.matchAll(/^ *(\w+) -> (\w+);/gm)].map(([, from, to]) => `${from} ${to}`);

describe('the picture of ResNet-20', () => {
  const target = 'examples/resnet20/resnet20.cnn';

  it('has a box for each scope, and one for equal blocks that follow each other', async () => {
    expect(boxesOf(await dotOf(target))).toEqual([
      'layer1.0 .. layer1.2 x3',
      'layer2',
      '  layer2.0',
      '  layer2.1 .. layer2.2 x2',
      'layer3',
      '  layer3.0',
      '  layer3.1 .. layer3.2 x2',
    ]);
  });

  it('has cards for ops with their attributes, and edges with shapes', async () => {
    const dot = await dotOf(target);
    const cards = cardsOf(dot);
    expect([...cards].slice(0, 5)).toEqual([
      ['n0', 'image f32 3x32x32'],
      ['n1', 'conv 3x3, 3 -> 16 conv1 bn bn1 relu 16x32x32'],
      ['n2', 'conv 3x3, 16 conv1 bn bn1 relu 16x32x32'],
      ['n3', 'conv 3x3, 16 conv2 bn bn2 16x32x32'],
      ['n4', 'add relu 16x32x32'],
    ]);
    expect([...cards.values()]).toContain('conv 3x3, 16 -> 32, stride 2 conv1 bn bn1 relu 32x16x16');
    expect([...cards.values()].at(-1)).toBe('linear 64 -> 10 linear 10');
    // The block after the folded ones starts where the drawn one ends.
    expect(edgesOf(dot).slice(0, 7)).toEqual(['n0 n1', 'n1 n2', 'n2 n3', 'n3 n4', 'n1 n4', 'n4 n5', 'n5 n6']);
    expect(dot).toContain('269,722 params, 40.6 MMACs, shapes without the batch N');
  });

  it('draws every box, card and edge as well-formed XML', async () => {
    const shop = workshop();
    const ran = await cnnc('inspect', target, '--graph', 'svg', '-o', shop.at('r20.svg'));
    expect(ran).toEqual({ code: 0, out: `wrote ${shop.at('r20.svg')}\n`, err: '' });
    const svg = readFileSync(shop.at('r20.svg'), 'utf8');
    expectWellFormed(svg);
    const dot = await dotOf(target);
    const drawn = (kind: string): number => svg.split(`class="${kind}"`).length - 1;
    expect(drawn('cluster')).toBe(boxesOf(dot).length);
    // The output is a node beside the cards.
    expect(drawn('node')).toBe(cardsOf(dot).size + 1);
    expect(drawn('edge')).toBe(edgesOf(dot).length);
    for (const kind of ['weights', 'normalisation', 'activation', 'pooling', 'join', 'data movement', 'three alike'])
      expect(svg).toMatch(new RegExp(`>(?:x3: )?${kind}[^<]*</text>`));
    // Each text is measured in the widest of the families that it names.
    expect(new Set([...svg.matchAll(/font-family="(.*?)"/g)].map(([, families]) => families))).toEqual(
      new Set(['Helvetica,Arial,DejaVu Sans,sans-serif']),
    );
  });
});

describe('the picture of the U-Net', () => {
  it('names open sizes as the source does, and leads every skip to its concatenation', async () => {
    const dot = await dotOf('examples/unet/unet.cnn');
    const cards = cardsOf(dot);
    expect(boxesOf(dot)).toEqual([
      'e1',
      'e2',
      'e3',
      'e4',
      'e5',
      ...['d4', 'd3', 'd2', 'd1'].flatMap((name) => [name, `  ${name}.fuse`]),
    ]);
    const joins = [...cards].filter(([, text]) => text.startsWith('concat')).map(([id]) => id);
    const into = joins.map((join) => edgesOf(dot).filter((line) => line.split(' ')[1] === join));
    expect(into.map((lines) => lines.map((line) => shapeIn(cards.get(line.split(' ')[0] ?? ''))))).toEqual([
      ['256xH/8xW/8', '256xH/8xW/8'],
      ['128xH/4xW/4', '128xH/4xW/4'],
      ['64xH/2xW/2', '64xH/2xW/2'],
      ['32xHxW', '32xHxW'],
    ]);
    expect(dot).toContain('MMACs at H=16, W=16');
    expect([...cards.values()]).toContain('conv_transpose 2x2, 512 -> 256, stride 2 grow 256xH/8xW/8');
  });
});

describe('folding', () => {
  const cell = 'block cell(x: f32[N, C, H, W]) -> f32[N, C, H, W] { return x |> seq { conv(C, k=3); relu } }\n';
  const model = (body: string): string => `${cell}model M(x: f32[N, 4, 8, 8]) -> f32[N, 4, 8, 8] {\n${body}\n}\n`;
  const draw = async (body: string): Promise<string> => {
    const shop = workshop({ 'm.cnn': model(body) });
    return dotOf(shop.at('m.cnn'));
  };
  const titles = async (body: string): Promise<string[]> => [...cardsOf(await draw(body)).values()];

  it('takes equal cards together', async () => {
    expect(await titles('return x |> body: seq { for i in 0..4 { cell } }')).toEqual([
      'x f32 4x8x8',
      'body.0 .. body.3 x4 conv 3x3, 4 0 relu 1 4x8x8',
    ]);
  });

  it('keeps what is used from outside, and what differs', async () => {
    const skip = 'let a = x |> body: seq { for i in 0..2 { cell } }\nreturn a + x';
    expect((await titles(skip)).filter((text) => text.includes('x2'))).toHaveLength(1);
    const different = 'return x |> body: seq { cell; conv(4, k=1); cell }';
    expect((await titles(different)).filter((text) => / x\d /.test(text))).toEqual([]);
    const labelled = 'return x |> a: cell |> b: cell';
    expect(await titles(labelled)).toEqual([
      'x f32 4x8x8',
      'a conv 3x3, 4 0 relu 1 4x8x8',
      'b conv 3x3, 4 0 relu 1 4x8x8',
    ]);
  });

  it('escapes what labels may hold', async () => {
    const dot = await draw('return x |> "<&>": conv(4, k=1)');
    expect(dot).toContain('&lt;&amp;&gt;');
    expect(dot).not.toContain('<&>:');
  });
});

it('is refused for what has no graph, and where the file cannot be written', async () => {
  const shop = workshop();
  expect(await cnnc('inspect', shop.at('tiny.safetensors'), '--graph', 'svg')).toMatchObject({
    code: 2,
    err: expect.stringContaining('error[E0001]: --graph draws what a source declares'),
  });
  expect(await cnnc('inspect', shop.at('tiny.cnn'), '--graph', 'svg', '-o', shop.at('tiny.cnn'))).toMatchObject({
    code: 2,
    err: expect.stringContaining('would write over the input'),
  });
  const target = shop.at('nowhere/tiny.svg');
  expect(await cnnc('inspect', shop.at('tiny.cnn'), '--graph', 'svg', '-o', target)).toMatchObject({
    code: 3,
    err: expect.stringContaining('error[E0723]: cannot write'),
  });
});

/** Elements nest, attributes are quoted and of different names, and `&` starts an entity that XML knows. */
function expectWellFormed(xml: string): void {
  const open: string[] = [];
  const body = xml.replace(/^<\?xml[^?]*\?>\s*<!DOCTYPE[^>]*>/, '').replaceAll(/<!--(?:(?!--).)*-->/gs, '');
  let roots = 0;
  for (const [, close, name = '', attributes = '', empty, text] of body.matchAll(
    /<(\/?)([A-Za-z][\w:.-]*)((?:\s+[\w:.-]+="[^"<]*")*)\s*(\/?)>|([^<]+|<)/g,
  )) {
    if (text !== undefined) {
      expect(text).not.toContain('<');
      expect(text.replaceAll(/&(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);/gi, '')).not.toContain('&');
      continue;
    }
    const names = [...attributes.matchAll(/([\w:.-]+)="/g)].map(([, key]) => key);
    expect(new Set(names).size).toBe(names.length);
    if (close) expect(open.pop()).toBe(name);
    else if (!empty) open.push(name);
    if (open.length === 0) roots++;
  }
  expect(open).toEqual([]);
  expect(roots).toBeGreaterThan(0);
}
