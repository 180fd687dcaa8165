/** What a manifest of a training is refused for, beside its form. */
import { describe, expect, it } from 'vitest';
import { trainingArtifactFiles } from '../../../compiler/emit/write-training-artifact.ts';
import { sealManifest } from '../../../runtime/files/seal.ts';
import { parseTrainingManifest, type TrainingManifest } from '../../../runtime/train/training-artifact.ts';
import { compileSmall } from '../../gpu/small-training.ts';
import { faultOf } from '../fault.ts';

const text = String(trainingArtifactFiles(compileSmall().artifact).get('manifest.json'));
type Written = TrainingManifest & { files: Record<string, string>; digest: string };

/** The fault of the manifest behind a change, sealed again. */
function faultAfter(change: (manifest: TrainingManifest) => void): string {
  const { files, digest: _, ...manifest } = JSON.parse(text) as Written;
  change(manifest);
  return faultOf(() => parseTrainingManifest(sealManifest(manifest, files)));
}

const inputOf = ({ programs }: TrainingManifest) => programs.step.software?.inputs[0];

describe('a manifest of a training', () => {
  it('is as it was written', () => {
    expect(faultAfter(() => undefined)).toBe('no fault');
  });

  it.each<[string, (manifest: TrainingManifest) => void, string]>([
    [
      // Six channels lie in two groups of four.
      'a vector that ends inside of the last group of its last tensor',
      ({ state: [weights] }) => {
        if (weights) weights.tensors = [{ name: 'w', shape: [6], offset: weights.floats - 6, kind: 'parameter' }];
      },
      'state.0.tensors.0: it ends behind the 280 elements of its vector',
    ],
    [
      'a buffer that is smaller than its vector',
      ({ state: [weights] }) => {
        if (weights) weights.bytes = 4 * weights.floats - 1;
      },
      'state.0.bytes: 1119 is no whole number from 1120 on',
    ],
    [
      'two tensors of one name in different vectors',
      ({ state }) => {
        const [first, second] = state.map(({ tensors }) => tensors[0]);
        if (first && second) second.name = first.name;
      },
      'state: a name comes twice',
    ],
    [
      'an input in a vector of state',
      (manifest) => {
        const input = inputOf(manifest);
        if (input) input.region.state = 'weights';
      },
      'programs.step.software.inputs.0.region.state: an input lies in the arena',
    ],
    [
      'an input of i8 without a scale',
      (manifest) => {
        const input = inputOf(manifest);
        if (input) input.layout.element = 'i8';
      },
      'programs.step.software.inputs.0.quantize: an input of i8 needs a scale',
    ],
    [
      'an input that is quantized',
      (manifest) => {
        const input = inputOf(manifest);
        if (input) Object.assign(input.layout, { element: 'i8' });
        if (input) input.quantize = { scale: 1, zeroPoint: 0, border: 128 };
      },
      'programs.step.software.inputs.0.quantize: a training takes inputs of f32',
    ],
  ])('is refused with %s', (_, change, fault) => {
    expect(faultAfter(change)).toBe(`E0715: the manifest is not valid at ${fault}`);
  });
});
