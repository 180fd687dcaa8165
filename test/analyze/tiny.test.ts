/** A network with one of everything, against PyTorch's float64 numbers. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { analyze, nodeHost } from '../../compiler/analyze/index.ts';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import type { Tensor } from '../../compiler/ir/type.ts';

interface Flat {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const tensor = ({ shape, data }: Flat): Tensor => ({ dtype: 'f32', shape, data: Float64Array.from(data) });

it('tiny.cnn gives the numbers of PyTorch in float64', () => {
  const folder = new URL('../golden/analyze/', import.meta.url).pathname;
  const golden = JSON.parse(readFileSync(`${folder}tiny.json`, 'utf8')) as {
    readonly image: Flat;
    readonly parameters: Readonly<Record<string, Flat>>;
    readonly output: Flat;
  };
  const program = analyze(`${folder}tiny.cnn`, nodeHost());
  const model = program.models[0]?.build();
  expect(program.diagnostics).toEqual([]);
  expect(model?.diagnostics).toEqual([]);
  if (!model?.graph) throw new Error('no graph');
  expect(model.parameters.map(({ name, shape }) => [name, shape])).toEqual(
    Object.entries(golden.parameters).map(([name, { shape }]) => [name, shape]),
  );
  const parameters = Object.fromEntries(Object.entries(golden.parameters).map(([name, flat]) => [name, tensor(flat)]));
  const { output } = evaluateGraph(model.graph, { image: tensor(golden.image) }, { parameters });
  expect(output?.shape).toEqual(golden.output.shape);
  const errors = golden.output.data.map((value, index) => Math.abs(value - (output?.data[index] ?? Number.NaN)));
  expect(Math.max(...errors)).toBeLessThan(1e-12);
});
