/** Faults that come of writing Python: each is answered with what stands in its place here. */
import { diagnostic } from '../diagnostics.ts';
import type { Diagnostic } from '../diagnostics.ts';
import { foreignHelp, foreignModules, foreignOp } from '../elsewhere/index.ts';
import type { Situation } from './situation.ts';
import { spanAt, startsLine, tokenAt, typeAt, unexpected } from './situation.ts';
import * as t from '../tokens.ts';

const image = (situation: Situation, offset = 0): string => tokenAt(situation, offset)?.image ?? '';

/** The diagnostic of a fault that Python explains, or undefined. */
export function explainForeign(situation: Situation): Diagnostic | undefined {
  const power = powerOperator(situation);
  if (power) return power;
  const help = memberHelp(situation) ?? importHelp(situation) ?? operatorHelp(situation) ?? wordHelp(situation);
  return help === undefined ? undefined : unexpected(situation, help);
}

/** `x |> nn.Conv2d(3, 16, 3)`, `x: torch.Tensor`, `model.add(...)`. */
function memberHelp(situation: Situation): string | undefined {
  if (typeAt(situation) !== t.Dot && image(situation) !== 'self') return undefined;
  if (typeAt(situation) !== t.Dot || image(situation, -1) === 'self') return selfHelp;
  const member = image(situation, 1);
  if (situation.rules.at(-1) === 'parameters') return 'a tensor is `f32[N, C, H, W]`, with its sizes';
  if (image(situation, -1) === 'model') return modelHelp;
  const row = foreignOp(member);
  if (row) return foreignHelp(row);
  if (!foreignModules.has(image(situation, -1))) return undefined;
  return `write \`${member}\`, without \`${image(situation, -1)}.\``;
}

const modelHelp = '`model` declares a network: `model Net(x: f32[N, 3, 32, 32]) { return x |> flatten |> linear(10) }`';
const selfHelp =
  'there is no `self`: a layer stands where it is used, and a label names its weights, as in `x |> conv1: conv(16, k=3)`';
const noImport =
  'remove it: layers are known everywhere, and blocks of the library are imported as `import { make_divisible } from "std/vision"`';
const frameworks = [
  'torch',
  'torchvision',
  'tensorflow',
  'keras',
  'numpy',
  'np',
  'onnx',
  'jax',
  'os',
  'sys',
  'math',
  'timm',
];

/** `import torch`, `from torch import nn`. */
function importHelp(situation: Situation): string | undefined {
  const [found, next] = [typeAt(situation), typeAt(situation, 1)];
  if (found === t.From && situation.expected === 'declaration' && next === t.Identifier) return noImport;
  return situation.rules.at(-1) === 'import' && frameworks.includes(image(situation)) ? noImport : undefined;
}

/** `x ** 2`. */
function powerOperator(situation: Situation): Diagnostic | undefined {
  if (typeAt(situation) !== t.Star || typeAt(situation, -1) !== t.Star) return undefined;
  const isName = typeAt(situation, -2) === t.Identifier;
  const base = isName ? image(situation, -2) : 'x';
  const exponent = image(situation, 1);
  const written: Readonly<Record<string, string>> = {
    '2': `${base} * ${base}`,
    '3': `${base} * ${base} * ${base}`,
    '0.5': `sqrt(${base})`,
  };
  const known = written[exponent];
  const help =
    known === undefined
      ? `of positive \`${base}\` it is \`exp(${exponent === '-' || exponent === '' ? '0.75' : exponent} * log(${base}))\``
      : `write \`${known}\``;
  const span = { ...spanAt(situation, -1), end: spanAt(situation).end };
  return diagnostic('E0110', span, 'there is no operator `**`', { help });
}

/** `x += y`, `x @ y`, `# ...` written as `// ...`, `a and b`, `f"..."`. */
function operatorHelp(situation: Situation): string | undefined {
  const before = image(situation, -1);
  const type = typeAt(situation);
  if (type === t.StringToken && /^[a-z]{1,2}$/i.test(before) && touches(situation)) {
    return 'a string has no letter in front; the message of an `assert` shows `{name}` as its value anyway';
  }
  if (situation.expected === 'String' && before === '@' && situation.rules.includes('body')) {
    return 'there is no product of tensors by rows and columns: `linear` and `conv(k=1)` multiply by weights';
  }
  if (before === 'not') return 'the logical not is written `!`';
  if (before === 'lambda') return 'functions have names: declare a `fn` for numbers, a `block` for tensors';
  if (type === t.Else && situation.expected === 'LCurly')
    return 'an `if` that gives a value is written `if c then a else b`';
  if (type === t.Colon && situation.rules.at(-1) === 'postfix') {
    return 'a part of a tensor is `slice(x, axis=1, from=0, to=2)`, an element of a list `sizes[0]`';
  }
  return isBehindSlashes(situation) ? 'comments begin with `#`; `//` divides' : undefined;
}

function touches(situation: Situation): boolean {
  return spanAt(situation, -1).end === spanAt(situation).start;
}

/** A word that does not fit behind a `//` of its line: a comment. */
function isBehindSlashes(situation: Situation): boolean {
  if (typeAt(situation) !== t.Identifier && typeAt(situation) !== t.NumberToken) return false;
  for (let offset = 0; !startsLine(situation, offset); offset--) {
    if (typeAt(situation, offset - 1) === t.FloorDivide) return true;
  }
  return false;
}

/** What words of Python at the beginning of a statement or declaration, or between values, are here. */
const words: ReadonlyMap<string, string> = new Map([
  ['and', 'the logical and is written `&&`'],
  ['or', 'the logical or is written `||`'],
  ['not', 'the logical not is written `!`'],
  ['is', 'equality is written `==`'],
  ['elif', 'write `else { if ... { ... } }`'],
  ['while', 'there is no `while`; `for` repeats stages: `x |> seq { for i in 0..3 { relu } }`'],
  ['print', 'a model computes and prints nothing: remove it; `cnnc inspect` lists the layers'],
  ['pass', 'leave it out'],
  ['def', 'a part of a network is `block name(x: f32[N, C, H, W]) { ... }`, and stands outside of others'],
  ['class', 'a network is `model Name(x: f32[N, 3, H, W]) { ... }`'],
  ['with', 'leave it out: a model only says what is computed'],
  ['var', 'declare the name: `let name = ...`'],
  ['super', selfHelp],
]);

function wordHelp(situation: Situation): string | undefined {
  const isFree = ['statement', 'declaration', 'LCurly', 'Then', 'RParen'].includes(situation.expected);
  if (!isFree || typeAt(situation) !== t.Identifier) return modelAssigned(situation);
  return words.get(image(situation)) ?? reassigned(situation);
}

/** `model = Sequential()`. */
function modelAssigned(situation: Situation): string | undefined {
  return image(situation, -1) === 'model' && typeAt(situation) === t.Assign ? modelHelp : undefined;
}

/** `x += y`, and `x = relu(x)` where x has a value. */
function reassigned(situation: Situation): string | undefined {
  if (situation.expected !== 'statement') return undefined;
  const word = image(situation);
  const next = tokenAt(situation, 1);
  const isCombined = next?.tokenType.CATEGORIES?.includes(t.BinaryOperator) && typeAt(situation, 2) === t.Assign;
  const isKnown = situation.tokens.slice(0, situation.at).some((token) => token.image === word);
  if (next && isCombined)
    return `a value never changes: declare another, as in \`let ${word}_2 = ${word} ${next.image} ...\``;
  return isKnown && next?.tokenType === t.Assign
    ? `a value never changes: declare another, as in \`let ${word}_2 = ...\``
    : undefined;
}
