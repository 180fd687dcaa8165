/** `max`, `min` and `clip` of tensors: element by element with numbers, over axes only where these are named. */
import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { built, faultsOf } from './memory-host.ts';

const data = Float64Array.from([-2, -0.5, 0, 3, 5.5, 7, 9, -8, 6, 1, 2, 4]);
const x: Tensor = { dtype: 'f32', shape: [3, 1, 2, 2], data };

/** What the body gives for `x` of three samples of 2 by 2 pixels. */
function valuesOf(body: string): readonly number[] {
  const { graph } = built(`model M(x: f32[3, 1, 2, 2]) {\n  return ${body}\n}`);
  const { output } = evaluateGraph(graph, { x }, {});
  return Array.from(output?.data ?? []);
}

const each = (map: (value: number) => number): number[] => Array.from(data, map);
const rows = [Array.from(data.slice(0, 4)), Array.from(data.slice(4, 8)), Array.from(data.slice(8))];

describe('element by element', () => {
  it.each<readonly [string, (value: number) => number]>([
    ['max(x, 0.0)', (v) => Math.max(v, 0)],
    ['max(x, 0)', (v) => Math.max(v, 0)],
    ['max(0.5, x)', (v) => Math.max(v, 0.5)],
    ['min(x, 6.0)', (v) => Math.min(v, 6)],
    ['x |> min(6) |> max(-1)', (v) => Math.max(Math.min(v, 6), -1)],
    ['max(x, 0.5, x * 2.0)', (v) => Math.max(v, 0.5, v * 2)],
    ['x |> clip(min=0)', (v) => Math.max(v, 0)],
    ['x |> clip(max=6)', (v) => Math.min(v, 6)],
    ['x |> clip(min=50%)', (v) => Math.max(v, 0.5)],
    ['x |> clip(-1, 6)', (v) => Math.min(Math.max(v, -1), 6)],
  ])('%s', (body, map) => {
    expect(valuesOf(body)).toEqual(each(map));
  });

  it('keeps infinities on the side that has no bound', () => {
    const { graph } = built('model M(x: f32[1, 1, 1, 2]) { return x |> clip(min=0) }');
    const pair: Tensor = { dtype: 'f32', shape: [1, 1, 1, 2], data: Float64Array.from([Infinity, -Infinity]) };
    expect(Array.from(evaluateGraph(graph, { x: pair }, {}).output?.data ?? [])).toEqual([Infinity, 0]);
  });
});

describe('over named axes', () => {
  it.each<readonly [string, readonly number[]]>([
    ['max(x, axes=[2, 3])', rows.map((row) => Math.max(...row))],
    ['min(x, axes=[2, 3])', rows.map((row) => Math.min(...row))],
    ['x |> max(axes=(2, 3), keep=true)', rows.map((row) => Math.max(...row))],
    ['x |> sum(axes=[2, 3])', rows.map((row) => row.reduce((a, b) => a + b))],
    ['x |> mean(axes=[2, 3])', rows.map((row) => row.reduce((a, b) => a + b) / 4)],
  ])('%s', (body, values) => {
    expect(valuesOf(body)).toEqual(values);
  });

  it.each(['mean(x, 0)', 'sum(x, [2, 3])', 'max(x, [0])', 'min(x, (2, 3))', 'max(x, x, axes=1)', 'max(x, keep=true)'])(
    'and by position never: %s',
    (body) => {
      const faults = faultsOf(`model M(x: f32[3, 1, 2, 2]) {\n  return ${body}\n}`);
      expect(faults).toHaveLength(1);
      expect(faults[0]).toMatch(/^E032[034] /);
    },
  );
});
