/** The four rules of parameter paths, and what breaks them. */
import { describe, expect, it } from 'vitest';
import { built, faultsOf, namesOf } from './memory-host.ts';

const pair = 'block pair(x: f32[N, C, H, W], out: int) { return x |> seq { conv(out, k=3, bias=false); bn; relu } }';

describe('parameter paths', () => {
  it('take a label first', () => {
    expect(namesOf('let y = x |> first: conv(3, k=1) |> "for": conv(2, k=1)\nreturn y')).toEqual([
      'first.weight',
      'first.bias',
      'for.weight',
      'for.bias',
    ]);
  });

  it('count every stage of a seq, and splice static for and if', () => {
    const body = `return x |> features: seq {
      relu
      if false { relu }
      conv(3, k=1, bias=false)
      for i in 0..2 { relu; conv(3 + i, k=1, bias=false) }
      if true { dropout(0.5) } else { conv(9, k=1) }
      seq { conv(2, k=1, bias=false) }
      last: linear(2, bias=false)
    }`;
    expect(namesOf(body)).toEqual([
      'features.1.weight',
      'features.3.weight',
      'features.5.weight',
      'features.7.0.weight',
      'features.last.weight',
    ]);
  });

  it('keep the position behind a labelled stage of a seq', () => {
    expect(namesOf('return x |> seq { a: conv(2, k=1, bias=false); conv(2, k=1, bias=false) }')).toEqual([
      'a.weight',
      '1.weight',
    ]);
  });

  it('take the let name for the one unlabelled call with weights', () => {
    expect(namesOf('let stem = x |> relu |> conv(2, k=1, bias=false) |> max_pool(k=2)\nreturn stem')).toEqual([
      'stem.weight',
    ]);
    expect(namesOf('let stem = relu(conv(x, 2, k=1, bias=false))\nreturn stem')).toEqual(['stem.weight']);
  });

  it('take the path of the block in a return', () => {
    expect(namesOf('return x |> conv(2, k=1)')).toEqual(['weight', 'bias']);
    expect(namesOf('let a = x |> pair(2)\nreturn a |> pair(3)', pair)).toEqual([
      'a.0.weight',
      'a.1.weight',
      'a.1.bias',
      'a.1.running_mean',
      'a.1.running_var',
      '0.weight',
      '1.weight',
      '1.bias',
      '1.running_mean',
      '1.running_var',
    ]);
  });

  it('put labels under the block, not under the let', () => {
    const block = 'block b(x: f32[N, C, H, W]) {\nlet gate = x |> fc: conv(C, k=1, bias=false)\nreturn x * gate\n}';
    expect(namesOf('return x |> outer: b', block)).toEqual(['outer.fc.weight']);
  });

  it('ignore calls without weights when they count', () => {
    const plain = 'block plain(x: f32[N, C, H, W]) { return x |> seq { relu; max_pool(k=2) } }';
    expect(namesOf('let y = x |> plain |> conv(2, k=1, bias=false) |> plain\nreturn y', plain)).toEqual(['y.weight']);
  });

  it('count the branch that a static if takes', () => {
    expect(namesOf('let y = if true then x |> conv(2, k=1, bias=false) else x |> conv(3, k=1)\nreturn y')).toEqual([
      'y.weight',
    ]);
  });

  it('are not changed by calling a model from a model', () => {
    const source = `model Inner(x: f32[N, 4, 8, 8]) { return x |> fc: linear(2, bias=false) }
      model M(x: f32[N, 4, 8, 8]) { return x |> Inner }`;
    expect(built(source).parameters.map(({ name }) => name)).toEqual(['fc.weight']);
  });

  it('list num_batches_tracked as a further key of batch norms', () => {
    expect(built('model M(x: f32[N, 4, 8, 8]) { return x |> norm: bn }').bufferNames).toEqual([
      'norm.num_batches_tracked',
    ]);
  });

  it('give E0412 for two unlabelled calls with weights, with labels as the fix', () => {
    const source = 'model M(x: f32[N, 4, 8, 8]) {\n  let y = x |> conv(2, k=1) |> relu |> conv(3, k=1)\n  return y\n}';
    expect(faultsOf(source)).toEqual(['E0412 2:16 2 calls with weights need labels here']);
  });

  it('give E0412 where several names cannot name one call', () => {
    const source =
      'model M(x: f32[N, 4, 8, 8]) {\n  let (a, b) = x |> conv(2, k=1) |> split(parts=2)\n  return a + b\n}';
    expect(faultsOf(source)).toEqual(['E0412 2:21 a call with weights needs a label in a `let` of several names']);
  });

  it('give E0412 in one position of a seq', () => {
    const source =
      'model M(x: f32[N, 4, 8, 8]) {\n  return x |> seq { concat(x |> conv(1, k=1), x |> conv(2, k=1)) }\n}';
    expect(faultsOf(source)).toEqual(['E0412 2:33 2 calls with weights need labels here']);
  });

  it('give E0411 for one label twice', () => {
    const source = 'model M(x: f32[N, 4, 8, 8]) {\n  return x |> c: conv(2, k=1) |> c: conv(3, k=1)\n}';
    expect(faultsOf(source)).toEqual(['E0411 2:34 two calls name their parameters `c`']);
  });

  it('give E0413 for a label on a spliced stage', () => {
    const source = 'model M(x: f32[N, 4, 8, 8]) {\n  return x |> seq { a: for i in 0..2 { conv(2, k=1) } }\n}';
    expect(faultsOf(source)).toEqual(['E0413 2:21 a label names one stage, and `for` splices several']);
  });
});
