import { describe, expect, it } from 'vitest';
import { IrSyntaxError, parseGraph } from '../../compiler/ir/parse.ts';
import { printGraph } from '../../compiler/ir/print.ts';
import { verifyGraph } from '../../compiler/ir/verify.ts';
import { ops } from '../../compiler/ops/index.ts';

const roundTrip = (text: string, origins = false): string => printGraph(parseGraph(text, ops), { origins });

const canonical = `graph {
  %0 = input() { name: "x", index: 0, dtype: "f32", shape: [N, 2, 2*H - 1] }
  %1 = constant() { tensor: f32[2, 1](0.1, -0), name: "scale" }
  %2 = mul(%0, %1) : f32[N, 2, 2*H - 1]
  %3 = clip(%2) { min: #-inf, max: 0.1 } : f32[N, 2, 2*H - 1]
  %4 = fused(%3, %1) { body: graph {
    %0 = input() { name: "arg0", index: 0, dtype: "f32", shape: [N, 2, 2*H - 1] }
    %1 = input() { name: "arg1", index: 1, dtype: "f32", shape: [2, 1] }
    %2 = add(%0, %1) : f32[N, 2, 2*H - 1]
    output "result" = %2
  } } : f32[N, 2, 2*H - 1]
  %5 = parameter() { name: "a.weight", dtype: "f32", shape: [40], init: { kind: "uniform", fanIn: 3 } }
  %6 = constant() { tensor: f32[40](random 7, -1, 1), name: "" }
  output "y" = %4
  update %5 = %6
}
`;

describe('IR text', () => {
  it('prints what it parses', () => {
    expect(roundTrip(canonical)).toBe(canonical);
    expect(verifyGraph(parseGraph(canonical, ops), ops)).toEqual([]);
  });

  it('keeps the bytes of large constants', () => {
    const big = canonical.replace('random 7, -1, 1', `base64 "${btoa('\u0000\u0000\u00c0\u007f'.repeat(40))}"`);
    expect(roundTrip(big)).toBe(big);
  });

  it('keeps source places, scopes and passes when asked', () => {
    const placed = canonical.replace(
      '%2 = mul(%0, %1) : f32[N, 2, 2*H - 1]\n',
      '%2 = mul(%0, %1) : f32[N, 2, 2*H - 1] @ "a b.cnn":3:14, "std/x.cnn":1:1 path "stem.0" by "simplify", "fuse"\n',
    );
    expect(roundTrip(placed, true)).toBe(placed);
    expect(roundTrip(placed)).toBe(canonical);
  });

  it('reads integer tensors and special floats', () => {
    const text = canonical
      .replace('f32[2, 1](0.1, -0)', 'f32[2, 1](#nan, #inf)')
      .replace('init: {', 'note: i8[2](-128, 127), init: {');
    expect(roundTrip(text)).toBe(text);
  });

  const faults: readonly [string, string, string][] = [
    ['%2 = mul', '%2 = mull', '4:8: there is no op mull'],
    ['mul(%0, %1)', 'mul(%0, %9)', '4:16: %9 is not defined above'],
    ['f32[2, 1](0.1, -0)', 'f32[2, 1](0.1)', '3:29: f32[2, 1] has 2 elements, not 1'],
    [
      'mul(%0, %1) : f32[N,',
      'mul(%0, %1) : f32[M,',
      '4:20: the type is f32[M, 2, 2*H - 1] here, but mul gives f32[N, 2, 2*H - 1]',
    ],
    ['%3 = clip', '%2 = clip', '5:3: %2 is defined twice'],
    ['output "y"', 'output y', '14:10: expected a string before y'],
    ['%2 = mul', '%2 ? mul', '4:6: unexpected character "?"'],
    ['f32[2, 1](0.1, -0)', 'f32[2, 1](base64 "AAAA")', '3:29: the base64 text does not hold f32[2, 1]'],
    ['f32[2, 1](0.1, -0)', 'f32[9999999, 9999999](1)', '3:29: f32[9999999, 9999999] is too large for a literal'],
    ['f32[2, 1](0.1, -0)', 'f32[3, 1](0.1, -0, 2)', '4:8: cannot multiply f32[N, 2, 2*H - 1] and f32[3, 1]'],
  ];
  it.each(faults)('reports a fault after replacing %s by %s', (from, to, message) => {
    expect(() => parseGraph(canonical.replace(from, to), ops)).toThrow(IrSyntaxError);
    expect(() => parseGraph(canonical.replace(from, to), ops)).toThrow(message);
  });

  it('refuses values nested too deeply, and text that ends early', () => {
    const deep = canonical.replace('#-inf', '['.repeat(100_000));
    expect(() => parseGraph(deep, ops)).toThrow('values nest deeper than 64');
    for (let end = 0; end < canonical.length - 2; end += 7) {
      expect(() => parseGraph(canonical.slice(0, end), ops)).toThrow(IrSyntaxError);
    }
  });
});
