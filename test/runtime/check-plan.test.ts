/** Plans fit together wherever a value lies: whole images of a batch, and some of the channels of another value. */
import { describe, expect, it } from 'vitest';
import { compile } from '../../compiler/compile/compile.ts';
import { artifactFiles } from '../../compiler/emit/write-artifact.ts';
import { initialWeights } from '../../compiler/driver/load-weights.ts';
import { parseManifest } from '../../runtime/parse-manifest.ts';
import { sealManifest } from '../../runtime/files/seal.ts';
import { built } from '../analyze/memory-host.ts';
import { faultOf } from './fault.ts';

const written = (slice: string) => {
  const source = `model M(x: f32[4, 8, 4, 4]) { let y = x |> conv(16, k=1) |> relu\n  return y |> ${slice} }`;
  const { graph, parameters } = built(source);
  const weights = initialWeights(parameters, 1);
  const files = artifactFiles(compile({ name: 'M', source: 'm.cnn', graph, parameters, weights }).artifact);
  return JSON.parse(String(files.get('manifest.json'))) as ReturnType<typeof parseManifest> & {
    files: Record<string, string>;
  };
};
const offsetsOf = ({ plans }: ReturnType<typeof parseManifest>) =>
  Object.values(plans).map((plan) => plan?.outputs[0]?.layout.channelOffset);

describe('a value inside another', () => {
  it.each([
    ['slice(axis=0, from=2, to=3)', [2 * 16 * 4, 2 * 16 * 4]],
    ['slice(axis=1, from=4, to=12)', [1, 1]],
  ])('is read where it is %s', (slice, offsets) => {
    expect(offsetsOf(parseManifest(written(slice)))).toEqual(offsets);
  });

  it('stays within the channels of its pixels', () => {
    const { files, ...manifest } = written('slice(axis=1, from=4, to=12)');
    const [output] = manifest.plans.software?.outputs ?? [];
    if (output) output.layout.channelOffset = 3;
    const { digest: _, ...content } = manifest as typeof manifest & { digest: string };
    expect(faultOf(() => parseManifest(sealManifest(content, files)))).toBe(
      'E0715: the manifest is not valid at plans.software.outputs.0.layout: 8 channels from group 3 on do not fit 4 groups',
    );
  });
});
