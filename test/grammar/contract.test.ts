/** The files that the language was designed on parse as they stand, and so does everything that is shipped in it. */
import { describe, expect, it } from 'vitest';
import { filesBelow, readText } from '../source-tree.ts';
import { expressionOf, nodes, program, structure, summary, textOf } from './parsed.ts';

const contract = filesBelow('test/grammar/contract');
const shipped = [...filesBelow('stdlib'), ...filesBelow('examples')].filter((path) => path.endsWith('.cnn'));

const expressionKinds = new Set(
  'number string boolean none name tuple list record binary unary index member attach pipe'.split(' '),
);

describe('contract files', () => {
  it('are all there', () => {
    expect(contract.map((path) => path.split('/').at(-1))).toEqual([
      'mobilenet_v3_small.cnn',
      'resnet20.cnn',
      'shufflenet_v2.cnn',
      'unet.cnn',
      'vision.cnn',
    ]);
  });

  it.each([...contract, ...shipped])('%s parses', (path) => {
    expect(summary(readText(path))).toEqual([]);
  });

  it('hold the declarations that one reads in them', () => {
    const heads = contract.map((path) => {
      const { imports, declarations } = program(readText(path));
      return [
        ...imports.map((each) => `import ${each.names.map(({ name }) => name).join(' ')} from ${each.from}`),
        ...declarations.map((each) =>
          each.kind === 'directive'
            ? [each.word.name, each.name?.name, each.target && `for ${each.target.name}`, each.entries.length].join(' ')
            : `${each.kind} ${each.name.name}`,
        ),
      ];
    });
    expect(heads).toMatchInlineSnapshot(`
      [
        [
          "import conv_bn_act squeeze_excite make_divisible from std/vision",
          "block inverted_residual",
          "model MobileNetV3Small",
          "weights imagenet for MobileNetV3Small 2",
          "budget  for MobileNetV3Small 3",
        ],
        [
          "const planes",
          "block basic_block",
          "model ResNet20",
          "preprocess  for ResNet20 2",
          "dataset cifar10  4",
          "train base for ResNet20 12",
          "prune slim for ResNet20 8",
          "distill taught for ResNet20 7",
          "quantize int8 for ResNet20 6",
          "budget  for int8 6",
        ],
        [
          "import conv_bn_act from std/vision",
          "block shuffle_unit",
          "model ShuffleNetV2",
        ],
        [
          "block double_conv",
          "block up",
          "model UNet",
          "dataset pets  4",
          "train base for UNet 8",
        ],
        [
          "fn make_divisible",
          "block conv_bn_act",
          "block squeeze_excite",
        ],
      ]
    `);
  });
});

describe('spans', () => {
  it.each(contract)('of %s lie inside their parents and begin and end with a token', (path) => {
    for (const { node, parent } of nodes(program(readText(path)))) {
      expect(textOf(node.span)).toMatch(/^\S([^]*\S)?$/);
      if (!parent) continue;
      expect(node.span.start).toBeGreaterThanOrEqual(parent.span.start);
      expect(node.span.end).toBeLessThanOrEqual(parent.span.end);
    }
  });

  it.each(contract)('of the expressions in %s hold the whole expression and nothing else', (path) => {
    let count = 0;
    for (const { node } of nodes(program(readText(path)))) {
      if (!expressionKinds.has(node.kind ?? '')) continue;
      // Calls and `if`s are left out: a stage has the same kinds, and a stage is no expression.
      expect(structure(expressionOf(textOf(node.span)))).toEqual(structure(node));
      count++;
    }
    expect(count).toBeGreaterThan(50);
  });
});
