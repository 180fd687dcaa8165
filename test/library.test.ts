/** The compiler as a library: its front door alone takes a source file to an artifact. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import * as cnnc from '../compiler/index.ts';
import { parseManifest } from '../runtime/index.ts';
import { readText, root } from './source-tree.ts';

it('compiles an example to the files of an artifact', () => {
  const path = join(root, 'examples/resnet20/resnet20.cnn');
  const program = cnnc.analyze(path, cnnc.nodeHost());
  expect(program.diagnostics).toEqual([]);
  const model = program.models.find(({ name }) => name === 'ResNet20');
  const built = model?.build();
  if (!built?.graph) throw new Error('no graph');
  const { graph, parameters } = built;
  const weights = cnnc.initialWeights(parameters, 1);
  const { artifact } = cnnc.compile({ name: built.name, source: path, graph, parameters, weights });
  const files = cnnc.artifactFiles(artifact);
  const manifest = parseManifest(JSON.parse(String(files.get('manifest.json'))));
  expect(manifest.model.parameters).toBe(269_722);
  expect([...files.keys()].filter((name) => name.endsWith('.wgsl')).length).toBeGreaterThan(2);
});

it('has the version of the package', () => {
  expect(JSON.parse(readText('package.json'))).toMatchObject({ version: cnnc.version });
});
