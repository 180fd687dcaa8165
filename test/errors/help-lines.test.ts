/** Help lines that say what to write: written, they mend their fault and bring no other. */
import { describe, expect, it } from 'vitest';
import { trainingFaults } from '../../compiler/cli/commands/check/training.ts';
import { codeExamples } from '../../compiler/cli/commands/explain/code-examples.ts';
import { mergeDiagnostics } from '../../compiler/analyze/index.ts';
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import { tokenize } from '../../grammar/scan.ts';
import { check } from '../analyze/memory-host.ts';
import { filesBelow, readText } from '../source-tree.ts';

/** What `cnnc check` finds but for budgets. */
function faultsOf(source: string): readonly Diagnostic[] {
  const checked = check(source);
  return mergeDiagnostics(checked.diagnostics, trainingFaults(checked));
}

const keyOf = ({ code, message }: Diagnostic): string => `${code} ${message}`;

/** The texts that a help line proposes; none where it only shows a form, or has a place for the reader's own words. */
function proposals({ help = '' }: Diagnostic): readonly string[] {
  if (!/\b(write|written|called|did you mean|quotes|out of it|gives|name them|by name|add)\b/.test(help)) return [];
  return [...help.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text).filter((text) => !/\.\.\.|^--/.test(text));
}

/** The source with the text put in place of one run of tokens in or around the fault, the nearest first. */
function* applications(source: string, { span }: Diagnostic, text: string): Generator<string> {
  const tokens = tokenize({ path: 'main.cnn', text: source });
  const reach = 14;
  const at = tokens.findIndex(({ end }) => end > span.start);
  const near = tokens.slice(Math.max(0, at - reach), at + 2 * reach);
  const runs = near.flatMap(({ start }) =>
    near.filter(({ end }) => end > start).map(({ end }) => [start, end] as const),
  );
  const distance = ([start, end]: readonly [number, number]): number =>
    Math.abs(start - span.start) + Math.abs(end - span.end);
  yield source.slice(0, span.start) + text + source.slice(span.end);
  // What is missing stands behind the place, or in front of it.
  yield source.slice(0, span.end) + text + source.slice(span.end);
  yield `${source.slice(0, span.end)} ${text}${source.slice(span.end)}`;
  yield `${source.slice(0, span.start)}${text} ${source.slice(span.start)}`;
  for (const [start, end] of runs.sort((one, other) => distance(one) - distance(other)).slice(0, 250)) {
    yield source.slice(0, start) + text + source.slice(end);
  }
}

/** Whether writing the text somewhere around the fault mends it without another, or without another error. */
function mends(source: string, fault: Diagnostic, text: string): boolean {
  const before = new Set(faultsOf(source).map(keyOf));
  for (const changed of applications(source, fault, text)) {
    const after = faultsOf(changed).map(keyOf);
    if (!after.includes(keyOf(fault)) && after.every((key) => before.has(key) || key.startsWith('W'))) return true;
  }
  return false;
}

const samples = [
  ...filesBelow('test/errors')
    .filter((path) => path.endsWith('.cnn'))
    .map((path) => [path, readText(path)] as const),
  ...Object.entries(codeExamples).map(([code, { wrong }]) => [`the example of ${code}`, wrong] as const),
];

const cases = samples.flatMap(([name, source]) =>
  faultsOf(source).flatMap((fault) => {
    const texts = proposals(fault);
    return texts.length === 0 ? [] : [{ name, help: fault.help ?? '', source, fault, texts }];
  }),
);

/** Lines whose texts are forms with words of their own to fill in, or need a decision. */
const byHand: readonly RegExp[] = [
  /^an `if` that gives a value needs both/,
  /^`\/\/` rounds down; `ceil\(a \/ b\)`/,
  /^end it with `return` and the value/,
  /^write 4 names; `_`/,
  /^add a layer with weights/,
  /^write it as seen from this file/,
  /^write the first branch without the `if`/,
  // The directive that was meant is checked only then, and its keys are missing.
  /^did you mean `train`\?/,
];
const isByHand = (help: string): boolean => byHand.some((each) => each.test(help));

describe('a help line that is followed', () => {
  it.each(cases.filter(({ help }) => !isByHand(help)))('$name: $help', ({ source, fault, texts }) => {
    expect(texts.some((text) => mends(source, fault, text))).toBe(true);
  });

  it('is tried for many codes', () => {
    expect(new Set(cases.map(({ fault }) => fault.code)).size).toBeGreaterThan(25);
    for (const each of byHand) expect(cases.map(({ help }) => help)).toContainEqual(expect.stringMatching(each));
  });
});
