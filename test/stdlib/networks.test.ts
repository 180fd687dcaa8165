/** Every network of the library against torchvision's (or, where it has none, the recorder's own) names, shapes, parameters and MACs. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { analyze, costOf, nodeHost } from '../../compiler/analyze/index.ts';
import { built as sourceOf } from '../analyze/memory-host.ts';

interface Golden {
  readonly parameters: number;
  readonly macs: number;
  /** Height, width and multiply-accumulates of other images. */
  readonly others?: readonly (readonly [number, number, number])[];
  readonly state_dict: Readonly<Record<string, readonly number[]>>;
}

const host = nodeHost();
const root = new URL('../../', import.meta.url).pathname;

type Arguments = Readonly<Record<string, string>>;
type Sizes = Readonly<Record<string, number>>;

const at = (size: number): Sizes => ({ H: size, W: size });

/** Golden file of test/golden/stdlib, source file, model, its arguments, and sizes of symbols. */
const networks: readonly (readonly [string, string, string, Arguments?, Sizes?])[] = [
  ['resnet18', 'stdlib/resnet', 'ResNet18', {}, at(224)],
  ['resnet34', 'stdlib/resnet', 'ResNet34', {}, at(224)],
  ['resnet50', 'stdlib/resnet', 'ResNet50', {}, at(224)],
  ['resnet101', 'stdlib/resnet', 'ResNet101', {}, at(224)],
  ['resnet152', 'stdlib/resnet', 'ResNet152', {}, at(224)],
  ['mobilenet_v2', 'stdlib/mobilenet_v2', 'MobileNetV2', {}, at(224)],
  ['mobilenet_v3_small', 'stdlib/mobilenet_v3', 'MobileNetV3Small', {}, at(224)],
  ['mobilenet_v3_large', 'stdlib/mobilenet_v3', 'MobileNetV3Large', {}, at(224)],
  ['shufflenet_v2_x1_0', 'stdlib/shufflenet_v2', 'ShuffleNetV2', {}, at(224)],
  ['shufflenet_v2_x0_5', 'stdlib/shufflenet_v2', 'ShuffleNetV2', { widths: '[24, 48, 96, 192, 1024]' }, at(224)],
  ['squeezenet1_0', 'stdlib/squeezenet', 'SqueezeNet1_0', {}, at(224)],
  ['squeezenet1_1', 'stdlib/squeezenet', 'SqueezeNet1_1', {}, at(224)],
  ['efficientnet_b0', 'stdlib/efficientnet', 'EfficientNetB0', {}, at(224)],
  ['inception_v3', 'stdlib/inception_v3', 'InceptionV3', {}, at(299)],
  ['unet', 'stdlib/unet', 'UNet', {}, at(64)],
  ['lenet5', 'stdlib/lenet', 'LeNet5'],
  ['espnet', 'stdlib/espnet', 'ESPNet', {}, at(64)],
  ['espnet_camvid', 'stdlib/espnet', 'ESPNet', { join_image: 'true' }, at(64)],
  ['unet', 'examples/unet/unet', 'UNet', {}, at(64)],
  ['squeezenet1_0', 'examples/squeezenet/squeezenet', 'SqueezeNet'],
  ['mobilenet_v3_small', 'examples/mobilenet_v3_small/mobilenet_v3_small', 'MobileNetV3Small'],
  ['shufflenet_v2_x1_0', 'examples/shufflenet_v2/shufflenet_v2', 'ShuffleNetV2'],
];

function build(file: string, name: string, args: Arguments = {}, dims: Sizes = {}) {
  const program = analyze(`${root}${file}.cnn`, host);
  const built = program.models.find((model) => model.name === name)?.build({ arguments: args, dims });
  if (!built?.graph)
    throw new Error(JSON.stringify((built ?? program).diagnostics.map(({ code, message }) => [code, message])));
  return built;
}

/** Names and shapes as a state_dict has them, sorted. */
function stateDict(built: ReturnType<typeof build>): [string, readonly number[]][] {
  const entries: [string, readonly number[]][] = built.parameters.map(({ name, shape }) => [name, shape]);
  entries.push(...built.bufferNames.map((name): [string, readonly number[]] => [name, []]));
  return entries.sort(([a], [b]) => (a < b ? -1 : 1));
}

const cases = networks.map(([golden, file, name, args = {}, dims = {}]) => ({ golden, file, name, args, dims }));

describe.each(cases)('$golden as $file:$name', ({ golden, file, name, args, dims }) => {
  it('equals PyTorch', () => {
    const path = new URL(`../golden/stdlib/${golden}.json`, import.meta.url);
    const wanted = JSON.parse(readFileSync(path, 'utf8')) as Golden;
    const built = build(file, name, args, dims);
    expect(stateDict(built)).toEqual(Object.entries(wanted.state_dict).sort(([a], [b]) => (a < b ? -1 : 1)));
    expect(costOf(built)).toEqual({ parameters: wanted.parameters, macs: wanted.macs });
    if (!file.startsWith('stdlib/')) return;
    const { parameters, others = [] } = wanted;
    for (const [H, W, macs] of others)
      expect(costOf(build(file, name, args, { H, W })), `${H}x${W}`).toEqual({ parameters, macs });
  });
});

describe('feature extractors', () => {
  const files = readdirSync(`${root}stdlib`).filter((file) => file !== 'vision.cnn');
  it.each(files)('%s has one, with the names of the whole network', (file) => {
    const text = readFileSync(`${root}stdlib/${file}`, 'utf8');
    const from = file.replace('.cnn', '');
    // Blocks that need nothing but an image; the others are what these are made of.
    const blocks = [
      ...text.matchAll(/^block (\w*features)\(image: f32\[N, \w+, \w+, \w+\](?:, \w+: \w+ = [^)]+)?\)/gm),
    ];
    const names = analyze(`${root}stdlib/${file}`, host).models.map(
      (model) => new Set(model.build()?.parameters.map(({ name, shape }) => `${name} ${shape.join()}`)),
    );
    const general = { cifar_resnet: 'padded_block, 20', espnet: '20' }[from];
    const calls =
      general === undefined
        ? blocks.map(([, name = '']) => name)
        : [`${/^block (\w*features)/m.exec(text)?.[1]}(${general})`];
    expect(calls.length).toBeGreaterThan(0);
    for (const call of calls) {
      const [name] = call.split('(');
      const imports = general?.includes('_block') ? `${name}, padded_block` : name;
      const size = from === 'lenet' ? '1, 28, 28' : '3, 96, 96';
      const label = from === 'espnet' ? 'encoder: ' : '';
      const source = `import { ${imports} } from "std/${from}"\nmodel M(x: f32[1, ${size}]) { return x |> ${label}${call} }`;
      const found = sourceOf(source).parameters.map((each) => `${each.name} ${each.shape.join()}`);
      expect(found.length).toBeGreaterThan(3);
      expect(
        names.some((all) => found.every((each) => all.has(each))),
        call,
      ).toBe(true);
    }
  });
});

describe('figures that are published elsewhere', () => {
  it('ResNet-20 and ResNet-56 for CIFAR-10: 0.27M and 0.85M parameters (He et al. 2015, table 6)', () => {
    const resnet20 = build('examples/resnet20/resnet20', 'ResNet20');
    expect(costOf(resnet20).parameters).toBe(269_722);
    expect(resnet20.parameters.length + resnet20.bufferNames.length).toBe(116);
    expect(costOf(build('stdlib/cifar_resnet', 'CifarResNet'))).toEqual(costOf(resnet20));
    expect(costOf(build('stdlib/cifar_resnet', 'CifarResNet', { depth: '56' })).parameters).toBe(853_018);
  });

  it('MobileNetV1: 4,231,976 trainable parameters (Keras) and 569 MMACs (Howard et al. 2017, table 4)', () => {
    expect(costOf(build('stdlib/mobilenet_v1', 'MobileNetV1', {}, at(224)))).toEqual({
      parameters: 4_231_976,
      macs: 568_740_352,
    });
  });

  it('MobileNetV1 0.25 at 128 pixels: 0.5M parameters and 14 MMACs (Howard et al. 2017, table 7)', () => {
    const { parameters, macs = 0 } = costOf(build('examples/mobilenet_v1/mobilenet_v1', 'MobileNetV1'));
    expect(Math.round(parameters / 1e5)).toBe(5);
    expect(Math.round(macs / 1e6)).toBe(14);
  });
});
