/** From source to artifact: the same bytes in every build, weights shared by both plans, tight arenas, few kernels. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { analyze, nodeHost } from '../compiler/analyze/index.ts';
import { compile, type Compilation } from '../compiler/compile/compile.ts';
import { initialWeights } from '../compiler/driver/load-weights.ts';
import { evaluateSize } from '../runtime/artifact.ts';
import { amount } from './amount.ts';

const root = join(import.meta.dirname, '..');

function compileModel(file: string, name: string, dims: Readonly<Record<string, number>> = {}): Compilation {
  const program = analyze(join(root, file), nodeHost());
  const built = program.models.find((model) => model.name === name)?.build({ dims });
  if (!built?.graph) throw new Error(`${file} has no sound model ${name}`);
  const { graph, parameters } = built;
  return compile({ name, source: file, graph, parameters, weights: initialWeights(parameters, 1) });
}

const resnet20 = (): Compilation => compileModel('examples/resnet20/resnet20.cnn', 'ResNet20');

describe('compile', () => {
  it('makes the same artifact twice in one process', () => {
    const [first, second] = [resnet20().artifact, resnet20().artifact];
    expect(second.manifest).toEqual(first.manifest);
    expect([...second.kernels]).toEqual([...first.kernels]);
    expect([...second.constants.keys()]).toEqual([...first.constants.keys()]);
    const differing = [...first.constants].filter(([name, bytes]) => {
      return Buffer.compare(bytes, second.constants.get(name) ?? Buffer.alloc(0)) !== 0;
    });
    expect(differing).toEqual([]);
  });

  it('packs each weight once for both plans', () => {
    const { artifact } = resnet20();
    const names = [...artifact.constants.keys()];
    expect(names).toContain('conv1.weight:outputs');
    expect(names.filter((name) => name.startsWith('conv1.weight'))).toHaveLength(1);
    expect(names.filter((name) => name.includes('#'))).toEqual([]);
  });

  it('names the source, the path and the passes of every dispatch', () => {
    const { software } = resnet20().artifact.manifest.plans;
    const step = software?.steps.find(({ op, path }) => path === 'layer2.0.conv2' && op !== 'zero_halo');
    expect(step?.op).toBe('conv+add+relu');
    expect(step?.places[0]).toMatchObject({ line: 8, column: 8 });
    // Fresh batch norms have no shift, so `simplify` drops the bias that folding made.
    expect(step?.passes).toEqual(['fold-batch-norm', 'simplify', 'fuse-conv']);
  });

  // Pipelines are what the first run on a software adapter waits for, so their number is a promise.
  const promised = [
    ['examples/resnet20/resnet20.cnn', 'ResNet20', 33, 6],
    ['stdlib/mobilenet_v3.cnn', 'MobileNetV3Small', 76, 9],
    ['stdlib/resnet.cnn', 'ResNet50', 96, 7],
    ['stdlib/mobilenet_v2.cnn', 'MobileNetV2', 80, 8],
    ['stdlib/shufflenet_v2.cnn', 'ShuffleNetV2', 96, 9],
    ['stdlib/squeezenet.cnn', 'SqueezeNet1_1', 40, 5],
  ] as const;
  it.each(promised.slice(0, amount(2, promised.length)))(
    '%s: %s stays within its dispatches, kernels and memory',
    (file, name, dispatches, kernels) => {
      const sizes = file.startsWith('stdlib/') ? { H: 224, W: 224 } : {};
      const { plans } = compileModel(file, name, sizes).artifact.manifest;
      const both = Object.values(plans).filter((plan) => plan !== undefined);
      expect(both).toHaveLength(2);
      for (const plan of both) {
        const [bytes, least] = [plan.arena.bytes, plan.arena.lowerBoundBytes].map((size) =>
          evaluateSize(size, { N: 16 }),
        );
        expect((bytes ?? 0) / (least ?? 1)).toBeLessThan(1.05);
        expect(plan.steps.length).toBeLessThanOrEqual(dispatches);
      }
      expect(plans.software?.kernels.length).toBeLessThanOrEqual(kernels);
    },
  );
});
