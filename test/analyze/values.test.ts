/** Compile-time values: what expressions compute, and the laws of their operators. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arithmetic, compare, divideRounded } from '../../compiler/analyze/values/operators.ts';
import { dimOf, dimValue, intValue, type Value } from '../../compiler/analyze/values/values.ts';
import { evaluateDim, symbolicDim, addDims, multiplyDims, type Dim } from '../../compiler/ir/dim.ts';
import { formatType } from '../../compiler/ir/type.ts';
import { built, check, faultsOf } from './memory-host.ts';

/** Expressions that must hold, each an `assert` of its own. */
const holds = (conditions: readonly string[], before = ''): string[] =>
  faultsOf(
    `${before}\nmodel M(x: f32[N, 4, 8, 8]) {\n${conditions.map((each) => `assert ${each}, "${each.replaceAll('"', '')}"`).join('\n')}\nreturn x\n}`,
  );

describe('expressions', () => {
  it('compute with numbers', () => {
    expect(
      holds([
        '7 // 2 == 3',
        '-7 // 2 == -4',
        '7 % 4 == 3',
        '-7 % 4 == 1',
        '8 / 2 == 4',
        '1 / 2.0 == 0.5',
        '2 * 3 + 4 == 10',
        '2.5M == 2_500_000',
        '0x1F == 31',
        '1e-3 < 0.002',
        '3 == 3.0',
        '!(1 > 2)',
        '-3 < -2',
        '7.5 // 2 == 3.0',
      ]),
    ).toEqual([]);
  });

  it('call the scalar functions', () => {
    expect(
      holds([
        'floor(2.7) == 2',
        'ceil(2.1) == 3',
        'round(2.5) == 3',
        'round(-2.5) == -3',
        'abs(-3) == 3',
        'abs(-0.5) == 0.5',
        'max(1, 5, 3) == 5',
        'min(2, 0.5) == 0.5',
        'max(1.0, 2) == 2.0',
        'len([1, 2, 3]) == 3',
        'len(0..7) == 7',
        'len("abc") == 3',
        'floor(7 / 2) == 3',
        'ceil(7 / 2) == 4',
        'round(7 / 2) == 4',
        'ceil(7.5 / 2) == 4',
        'floor(-7 / 2) == -4',
      ]),
    ).toEqual([]);
  });

  it('compare lists, tuples, strings, none and ops', () => {
    expect(
      holds([
        '[1, 2] == [1, 2]',
        '(1, "a") != (1, "b")',
        '"a" == "a"',
        'none == none',
        'none != 1',
        'relu == relu',
        'relu != sigmoid',
        'true != false',
      ]),
    ).toEqual([]);
  });

  it('short-circuit and branch without computing the rest', () => {
    expect(
      holds(['true || 1 // 0 == 1', '!(false && 1 // 0 == 1)', '(if 1 + 1 == 2 then 1 else 1 // 0) == 1']),
    ).toEqual([]);
  });

  it('call functions with defaults, names and recursion', () => {
    const declarations = `fn make_divisible(v: float, d: int = 8) -> int {
      const r = max(d, floor(v + d / 2) // d * d)
      return if r < 0.9 * v then r + d else r
    }
    fn power(base: int, n: int) -> int { if n == 0 { return 1 } return base * power(base, n - 1) }
    const list = [10, 20, 30]`;
    expect(
      holds(
        [
          'make_divisible(24) == 24',
          'make_divisible(18) == 24',
          'make_divisible(11.9) == 16',
          'make_divisible(33, d=16) == 32',
          'power(2, 10) == 1024',
          'power(n=3, base=3) == 27',
          'list[2] == 30',
        ],
        declarations,
      ),
    ).toEqual([]);
  });

  it('fill values into the message of an assertion', () => {
    const source =
      'const top = "s"\nmodel M(x: f32[N, 4, 8, 8], act: op = relu, l: list = [1, (2, 3.0)]) {\n assert false, "{N} {act} {l} {top} {x}"\n return x\n}';
    expect(check(source).diagnostics.map(({ message }) => message)).toEqual(['N relu [1, (2, 3.0)] s f32[N, 4, 8, 8]']);
  });
});

describe('models', () => {
  const source = `model M(image: f32[N, 3, H, W], classes: int = 10, widths: list = [4, 8], act: op = relu) -> f32[N, classes] {
    return image |> conv(widths[1], k=3) |> act |> global_avg_pool |> flatten |> head: linear(classes)
  }`;
  const text = source.replace('conv(', 'stem: conv(');
  const model = check(text).program.models[0];

  it('take arguments in the syntax of the language, and sizes', () => {
    const result = model?.build({
      arguments: { classes: '7', widths: '[1, 2]', act: 'hard_swish' },
      dims: { N: 2, H: 5 },
    });
    expect(result?.diagnostics).toEqual([]);
    expect(result?.inputs.map(({ name, type }) => [name, formatType(type)])).toEqual([['image', 'f32[2, 3, 5, W]']]);
    expect(result?.parameters.map(({ name, shape }) => [name, shape])).toEqual([
      ['stem.weight', [2, 3, 3, 3]],
      ['stem.bias', [2]],
      ['head.weight', [7, 2]],
      ['head.bias', [7]],
    ]);
    expect(result?.graph && formatType(result.graph.outputs['output']!.type)).toBe('f32[2, 7]');
  });

  it.each([
    [{ arguments: { clases: '7' } }, 'E0337', '`M` has no parameter `clases`'],
    [{ arguments: { classes: '7 +' } }, 'E0337', 'cannot read "7 +" as a value of `classes`'],
    [{ arguments: { classes: '"a"' } }, 'E0320', '`classes` of `M` must be an int, not a string'],
    [{ dims: { K: 3 } }, 'E0337', '`M` has no symbolic size `K`'],
    [{ dims: { N: 0 } }, 'E0337', '`N` must be a positive int, not 0'],
  ])('refuse wrong settings: %j', (options, code, message) => {
    const { graph, diagnostics = [] } = model?.build(options) ?? {};
    expect(graph).toBeUndefined();
    expect(diagnostics.map((each) => [each.code, each.message])).toEqual([[code, message]]);
  });

  it('initialise parameters as PyTorch does', () => {
    const { parameters } = built('model M(x: f32[N, 6, 8, 8]) { return x |> c: conv(4, k=(3, 5), groups=2) |> b: bn }');
    expect(parameters.map(({ name, shape, trainable, init }) => [name, shape, trainable, init])).toEqual([
      ['c.weight', [4, 3, 3, 5], true, { kind: 'kaimingUniform', fanIn: 45 }],
      ['c.bias', [4], true, { kind: 'uniform', fanIn: 45 }],
      ['b.weight', [4], true, { kind: 'ones' }],
      ['b.bias', [4], true, { kind: 'zeros' }],
      ['b.running_mean', [4], false, { kind: 'zeros' }],
      ['b.running_var', [4], false, { kind: 'ones' }],
    ]);
  });

  it('name several outputs after the returned names', () => {
    const { graph } = built(
      'model M(x: f32[N, 6, 8, 8]) {\n let a = relu(x)\n let b = tanh(x)\n return (a, b, x |> sigmoid)\n}',
    );
    expect(Object.entries(graph.outputs).map(([name, node]) => [name, node.op.name])).toEqual([
      ['a', 'relu'],
      ['b', 'tanh'],
      ['output2', 'sigmoid'],
    ]);
  });

  it('give every node the place that made it and the calls around it', () => {
    const { graph } = built(
      'block b(x: f32[N, C, H, W]) {\n  return x |> seq { relu; conv(2, k=1) }\n}\nmodel M(x: f32[N, 6, 8, 8]) { return x |> top: b }',
    );
    const { origin, inputs } = graph.outputs['output']!;
    const texts = origin?.spans.map(({ file, start, end }) => file.text.slice(start, end));
    expect(texts).toEqual(['conv(2, k=1)', 'top: b']);
    expect(origin).toMatchObject({ path: 'top.1', passes: [] });
    expect(inputs[0]?.origin?.path).toBe('top.0');
  });

  it('pad as PyTorch and as TensorFlow do', () => {
    const paddingOf = (call: string) =>
      built(`model M(x: f32[N, 2, 8, 7]) { return x |> ${call} }`).graph.outputs['output']!.attrs['padding'];
    expect(paddingOf('conv(1, k=(3, 5), dilation=(2, 1))')).toEqual([2, 2, 2, 2]);
    expect(paddingOf('conv(1, k=3, pad=(1, 0))')).toEqual([1, 0, 1, 0]);
    expect(paddingOf('conv(1, k=3, stride=2, pad=same_upper)')).toEqual([0, 1, 1, 1]);
    expect(paddingOf('conv(1, k=2, pad=same_upper)')).toEqual([0, 0, 1, 1]);
    expect(paddingOf('max_pool(k=3, pad=same)')).toEqual([1, 1, 1, 1]);
    expect(paddingOf('max_pool(k=3)')).toEqual([0, 0, 0, 0]);
  });
});

describe('symbolic sizes', () => {
  it('that cannot be proved become what each run checks', () => {
    const source = `model M(x: f32[N, 3, H, W]) -> f32[N, 3, H / 4, ceil(W / 2)] {
      return x |> max_pool(k=2) |> subsample(stride=[2, 1])
    }`;
    const { graph, facts } = built(source);
    expect(facts.map(({ symbol, multipleOf }) => `${symbol} ${multipleOf}`)).toEqual(['H 4', 'W 2']);
    expect(facts[0]?.message).toMatch(/^H must be a multiple of 4, got \{H\}, because of .*:\d+:\d+$/);
    expect(formatType(graph.outputs['output']!.type)).toBe('f32[N, 3, H_4, W_2]');
  });

  it('flow through a network whose asserts state what divides them', () => {
    const source = `block half(x: f32[N, C, H, W]) -> f32[N, C, ceil(H / 2), W / 2] { return x |> max_pool(k=2) }
      model M(x: f32[N, 3, H, W]) -> f32[N, 3, H / 8, W / 8] {
        assert H % 4 == 0 && W % 8 == 0
        assert H % 8 == 0
        return x |> seq { half; half; half }
      }`;
    const { graph, facts, inputs } = built(source);
    expect(facts).toEqual([
      { symbol: 'H', multipleOf: 8, quotient: 'H_8' },
      { symbol: 'W', multipleOf: 8, quotient: 'W_8' },
    ]);
    expect(inputs.map(({ type }) => formatType(type))).toEqual(['f32[N, 3, 8*H_8, 8*W_8]']);
    expect(formatType(graph.outputs['output']!.type)).toBe('f32[N, 3, H_8, W_8]');
  });

  const dims = fc.record({
    a: fc.integer({ min: -4, max: 4 }),
    b: fc.integer({ min: -4, max: 4 }),
    c: fc.integer({ min: -20, max: 20 }),
  });
  const polynomial = ({ a, b, c }: { a: number; b: number; c: number }): Dim =>
    addDims(addDims(multiplyDims(symbolicDim('H'), a), multiplyDims(symbolicDim('W'), b)), c);
  const bindings = fc.record({ H: fc.integer({ min: 1, max: 50 }), W: fc.integer({ min: 1, max: 50 }) });
  const at = (value: Value, where: Record<string, number>): number => {
    const dim = dimOf(value);
    if (dim === undefined) throw new Error(value.kind);
    return evaluateDim(dim, where);
  };

  it('agree with numbers wherever an operator gives a result', () => {
    fc.assert(
      fc.property(dims, dims, bindings, fc.constantFrom('+', '-', '*', '/', '//', '%'), (p, q, where, operator) => {
        const [x, y] = [polynomial(p), polynomial(q)];
        const result = arithmetic(operator, dimValue(x), dimValue(y));
        if (result.kind === 'fault' || result.kind === 'error') return;
        const [u, v] = [evaluateDim(x, where), evaluateDim(y, where)];
        if (v === 0 && '/%'.includes(operator[0] ?? '')) return;
        const wanted = {
          '+': u + v,
          '-': u - v,
          '*': u * v,
          '/': u / v,
          '//': Math.floor(u / v),
          '%': u - Math.floor(u / v) * v,
        }[operator];
        expect(at(result, where)).toBe(wanted === 0 ? 0 : wanted);
      }),
    );
  });

  it('decide a comparison only where it holds for every size', () => {
    fc.assert(
      fc.property(dims, dims, bindings, fc.constantFrom('==', '!=', '<', '<=', '>', '>='), (p, q, where, operator) => {
        const [x, y] = [polynomial(p), polynomial(q)];
        const result = compare(operator, dimValue(x), dimValue(y));
        if (result.kind !== 'bool') return;
        const [u, v] = [evaluateDim(x, where), evaluateDim(y, where)];
        const wanted = { '==': u === v, '!=': u !== v, '<': u < v, '<=': u <= v, '>': u > v, '>=': u >= v }[operator];
        expect(result.value).toBe(wanted);
      }),
    );
  });

  it('round quotients as numbers do', () => {
    fc.assert(
      fc.property(
        dims,
        fc.integer({ min: 1, max: 6 }),
        bindings,
        fc.constantFrom('floor', 'ceil', 'round'),
        (p, divisor, where, mode) => {
          const x = polynomial(p);
          const result = divideRounded(x, divisor, mode);
          if (result.kind === 'fault') return;
          const exact = evaluateDim(x, where) / divisor;
          const wanted = {
            floor: Math.floor(exact),
            ceil: Math.ceil(exact),
            round: Math.sign(exact) * Math.round(Math.abs(exact)),
          }[mode];
          expect(at(result, where)).toBe(wanted === 0 ? 0 : wanted);
        },
      ),
    );
  });

  it('give no negative zero', () => {
    for (const mode of ['ceil', 'round'] as const) expect(divideRounded(-1, 3, mode)).toEqual(intValue(0));
  });

  it('keep a == a // b * b + a % b for all integers', () => {
    fc.assert(
      fc.property(fc.integer({ min: -1000, max: 1000 }), fc.integer({ min: -30, max: 30 }), (a, b) => {
        if (b === 0) return;
        const quotient = arithmetic('//', intValue(a), intValue(b));
        const rest = arithmetic('%', intValue(a), intValue(b));
        if (quotient.kind !== 'int' || rest.kind !== 'int') throw new Error('no int');
        expect(quotient.value * b + rest.value).toBe(a);
        expect(Math.abs(rest.value)).toBeLessThan(Math.abs(b));
      }),
    );
  });
});
