/** The faults that people make often, each recognised by its tokens and answered with its own code or help. */
import type { IToken, TokenType } from 'chevrotain';
import { diagnostic } from '../diagnostics.ts';
import type { Diagnostic } from '../diagnostics.ts';
import { explainForeign } from './explain-foreign.ts';
import type { Situation } from './situation.ts';
import { spanAt, spanOfToken, startsLine, tokenAt, typeAt, unexpected, wantedInList } from './situation.ts';
import { isKeyword } from '../scan.ts';
import { closestName, didYouMean } from '../suggest.ts';
import * as t from '../tokens.ts';

type Explanation = (situation: Situation) => Diagnostic | undefined;

const statementWords: ReadonlySet<TokenType> = new Set([t.Let, t.Const, t.Assert, t.Return, t.If]);
const declarationWords: ReadonlySet<TokenType> = new Set([t.Import, t.Const, t.Fn, t.Block, t.Model]);
/** After these a value must follow. */
const wantValue: ReadonlySet<TokenType> = new Set([t.Assign, t.Then, t.Else, t.Return, t.Assert, t.If, t.In]);
const wantName: ReadonlySet<string> = new Set(['Identifier', 'KeyName']);

/** The special form of a fault, or undefined where the plain one says enough. */
export function explainFault(situation: Situation): Diagnostic | undefined {
  for (const explanation of explanations) {
    const found = explanation(situation);
    if (found) return found;
  }
  return undefined;
}

function innermost({ rules }: Situation): string {
  return rules.at(-1) ?? '';
}

function image(situation: Situation, offset = 0): string {
  return tokenAt(situation, offset)?.image ?? '';
}

/** `let block = 1`, `|> block: seq { ... }`, `in = 3`. */
function reservedWord(situation: Situation): Diagnostic | undefined {
  const word = image(situation);
  if (!isKeyword(word)) return undefined;
  const next = typeAt(situation, 1);
  const isLabel = situation.expected === 'stage' && next === t.Colon;
  const keyed =
    situation.expected === 'value' || situation.expected === 'entry' || innermost(situation) === 'arguments';
  const isKey = keyed && next === t.Assign;
  const isName = wantName.has(situation.expected) && !(startsLine(situation) && startsSomething(situation));
  if (!isLabel && !isKey && !isName) return undefined;
  const help = isLabel ? `write the label as a string: \`"${word}":\`` : `choose another name, such as \`${word}_\``;
  return diagnostic('E0115', spanAt(situation), `\`${word}\` is a reserved word`, { help });
}

/** A keyword that opens a construct of its own, so that the one before it has ended too early. */
function startsSomething(situation: Situation): boolean {
  const type = typeAt(situation);
  return type !== undefined && (statementWords.has(type) || declarationWords.has(type));
}

/** `if a = b then`, `assert a = b`. */
function assignmentInCondition(situation: Situation): Diagnostic | undefined {
  if (typeAt(situation) !== t.Assign || !isInCondition(situation)) return undefined;
  return diagnostic('E0114', spanAt(situation), '`=` does not compare', { help: 'equality is written `==`' });
}

function isInCondition(situation: Situation): boolean {
  const { expected, rules } = situation;
  const outer = rules.slice(-2);
  if (expected === 'Then') return true;
  if (expected === 'LCurly') return outer.includes('ifStatement') || outer.includes('ifStage');
  if (expected === 'RParen' && innermost(situation) === 'parentheses')
    return rules.some((rule) => conditional.has(rule));
  return expected === 'statement' && lastStatementWord(situation) === t.Assert;
}

const conditional: ReadonlySet<string> = new Set(['ifExpression', 'ifStatement', 'ifStage', 'assert']);

/** The word of the statement that ends in front of the fault. */
function lastStatementWord({ tokens, parent, at }: Situation): TokenType | undefined {
  for (let index = at - 1; index >= 0 && parent[index] !== undefined; index--) {
    const type = tokens[index]?.tokenType;
    if (parent[index] === parent[at] && type && statementWords.has(type)) return type;
    if (index === parent[at]) return undefined;
  }
  return undefined;
}

/** `epochs =` with nothing behind it on the line, so that the next key was taken for its value. */
function valueOnNextLine(situation: Situation): Diagnostic | undefined {
  const swallowed =
    typeAt(situation) === t.Assign &&
    typeAt(situation, -2) === t.Assign &&
    startsLine(situation, -1) &&
    situation.expected === 'entry';
  return swallowed
    ? diagnostic('E0113', spanAt(situation, -2), 'no value after `=`', {
        help: 'write one, as in `epochs = 20`',
      })
    : undefined;
}

/** `.5`. */
function bareFraction(situation: Situation): Diagnostic | undefined {
  const digits = tokenAt(situation, 1);
  if (typeAt(situation) !== t.Dot || digits?.tokenType !== t.NumberToken) return undefined;
  if (digits.startOffset !== spanAt(situation).end) return undefined;
  const span = { ...spanAt(situation), end: spanAt(situation, 1).end };
  return diagnostic('E0104', span, `\`.${digits.image}\` is not a number`, { help: `write \`0.${digits.image}\`` });
}

/** `1.`. */
function bareInteger(situation: Situation): Diagnostic | undefined {
  if (innermost(situation) !== 'postfix' || situation.expected !== 'KeyName') return undefined;
  if (typeAt(situation, -1) !== t.Dot || typeAt(situation, -2) !== t.NumberToken) return undefined;
  const span = { ...spanAt(situation, -2), end: spanAt(situation, -1).end };
  const digits = image(situation, -2);
  return diagnostic('E0104', span, `\`${digits}.\` is not a number`, {
    help: `write \`${digits}.0\` or \`${digits}\``,
  });
}

/** `let x =`, `a +`. */
function missingValue(situation: Situation): Diagnostic | undefined {
  const before = typeAt(situation, -1);
  if (situation.expected !== 'value' || !before) return undefined;
  const wants = wantValue.has(before) || before.CATEGORIES?.includes(t.BinaryOperator) || before === t.Bang;
  if (!wants) return undefined;
  const message = `no value after \`${image(situation, -1)}\``;
  return diagnostic('E0113', spanAt(situation, -1), message, { help: 'write one, as in `16`, `width` or `max(a, b)`' });
}

/** `if a == { return x }`: the body was taken for a record, which has entries. */
function bodyForValue(situation: Situation): Diagnostic | undefined {
  const { tokens, parent, at, expected, rules } = situation;
  const before = tokens[(parent[at] ?? 0) - 1];
  if (expected !== 'entry' || !rules.includes('operand') || !before || !startsSomething(situation)) return undefined;
  return diagnostic('E0113', spanOfToken(situation, before), `no value after \`${before.image}\``);
}

/** `x,` in a signature. */
function untypedParameter(situation: Situation): Diagnostic | undefined {
  if (innermost(situation) !== 'parameter' || situation.expected !== 'Colon') return undefined;
  const name = image(situation, -1);
  return diagnostic('E0117', spanAt(situation, -1), `parameter \`${name}\` has no type`, {
    help: `write \`${name}: int\`, or \`${name}: f32[N, C, H, W]\` for a tensor`,
  });
}

/** `if c then a`. */
function ifWithoutElse(situation: Situation): Diagnostic | undefined {
  if (situation.expected !== 'Else' || innermost(situation) !== 'ifExpression') return undefined;
  const opening = openIf(situation);
  return diagnostic('E0119', opening ? spanOfToken(situation, opening) : spanAt(situation), 'this `if` has no `else`', {
    help: 'an `if` that gives a value needs both: `if c then a else b`',
  });
}

/** The nearest `if` of the fault's level that has no `else` yet. */
function openIf({ tokens, parent, at }: Situation): IToken | undefined {
  const level = parent[at - 1];
  let closed = 0;
  for (let index = at - 1; index >= 0; index--) {
    if (parent[index] !== level) continue;
    const token = tokens[index];
    if (token?.tokenType === t.Else) closed++;
    if (token?.tokenType === t.If && closed-- === 0) return token;
  }
  return undefined;
}

/** `if c { a } else { b }` where a value is wanted. */
function bracesInExpression(situation: Situation): Diagnostic | undefined {
  if (situation.expected !== 'Then' || typeAt(situation) !== t.LCurly) return undefined;
  return unexpected(situation, 'an `if` that gives a value is written `if c then a else b`');
}

const declarationNames = ['import', 'const', 'fn', 'block', 'model'];

/** `modle M(x: int) { ... }`, `planes = [16]`. */
function unknownDeclaration(situation: Situation): Diagnostic | undefined {
  const { start, rules, expected } = situation;
  if (expected !== 'LCurly' || !rules.includes('directive') || rules.includes('entry')) return undefined;
  const word = start.image;
  const span = spanOfToken(situation, start);
  const help = didYouMean(word, declarationNames);
  if (help !== undefined) return diagnostic('E0116', span, `unknown declaration \`${word}\``, { help });
  if (typeAt(situation) === t.Assign) {
    return diagnostic('E0116', span, `\`${word}\` is given a value without \`const\``, {
      help: `write \`const ${word} = ...\``,
    });
  }
  if (typeAt(situation) !== t.LParen) return undefined;
  const pythonic = word === 'class' || word === 'def';
  return diagnostic('E0116', span, `unknown declaration \`${word}\``, {
    help: pythonic
      ? 'a network is `model Name(x: f32[N, 3, H, W]) { ... }`, and a part of one `block name(x: f32[N, C, H, W]) { ... }`'
      : 'functions, blocks and models begin with `fn`, `block` and `model`',
  });
}

function strayDeclaration(situation: Situation): Diagnostic | undefined {
  if (situation.expected !== 'declaration') return undefined;
  if (typeAt(situation) === t.Semicolon) return unexpected(situation, 'declarations need no `;`');
  if (typeAt(situation) === t.Let) {
    return unexpected(situation, '`let` stands inside blocks; a value of the whole file is declared with `const`');
  }
  return unexpected(
    situation,
    commentHelp(situation) ?? 'a file holds `import`, `const`, `fn`, `block`, `model` and directives',
  );
}

function strayStatement(situation: Situation): Diagnostic | undefined {
  if (situation.expected !== 'statement') return undefined;
  return unexpected(situation, statementHelp(situation));
}

const statementNames = ['let', 'const', 'assert', 'if', 'return'];

function statementHelp(situation: Situation): string {
  const type = typeAt(situation);
  const word = image(situation);
  if (type === t.Semicolon) return 'statements need no `;`';
  if (type === t.Else) return '`else` follows the brace that closes an `if`';
  if (type === t.Pipe) return 'the `|>` must follow the value that it passes on';
  if (type === t.For) return '`for` repeats stages: `x |> seq { for i in 0..n { ... } }`';
  if (type === t.Identifier && typeAt(situation, 1) === t.Assign) return `declare the name: \`let ${word} = ...\``;
  const meant = type === t.Identifier ? closestName(word, statementNames) : undefined;
  if (meant !== undefined) return `did you mean \`${meant}\`?`;
  return (
    percentHelp(situation) ??
    commentHelp(situation) ??
    'statements begin with `let`, `const`, `assert`, `if` or `return`'
  );
}

/** `16% 4`. */
function percentHelp(situation: Situation): string | undefined {
  const before = image(situation, -1);
  if (typeAt(situation, -1) !== t.NumberToken || !before.endsWith('%')) return undefined;
  return `\`${before}\` is a percentage; the remainder is written \`${before.slice(0, -1)} % ...\``;
}

function commentHelp(situation: Situation): string | undefined {
  const type = typeAt(situation);
  const starred = type === t.Divide && typeAt(situation, 1) === t.Star;
  return type === t.FloorDivide || starred ? 'comments begin with `#`' : undefined;
}

function strayStage(situation: Situation): Diagnostic | undefined {
  if (situation.expected !== 'stage') return undefined;
  const type = typeAt(situation);
  if (type === t.Pipe && situation.rules.includes('stages')) {
    return unexpected(situation, 'inside `seq` the stages follow one another without `|>`');
  }
  if (type === t.Comma) return unexpected(situation, 'stages are separated by `;` or a new line');
  if (type && statementWords.has(type)) {
    return unexpected(situation, 'statements stand in blocks; a stage is an operation, `seq`, `for` or `if`');
  }
  return unexpected(
    situation,
    commentHelp(situation) ?? 'a stage is an operation such as `conv(16, k=3)`, `seq`, `for` or `if`',
  );
}

/** Faults whose code is the plain one and that have a help line. */
function hinted(situation: Situation): Diagnostic | undefined {
  const help = percentHelp(situation) ?? hint(situation) ?? listHelp(situation);
  return help === undefined ? undefined : unexpected(situation, help);
}

/** What a situation must have for its help line; a key that is absent matches everything. */
interface Hint {
  readonly expected?: string;
  readonly rule?: string;
  readonly found?: TokenType;
  readonly before?: TokenType;
  readonly help: string;
}

/** The first that fits is given. */
const hints: readonly Hint[] = [
  { found: t.Colon, expected: 'entry', help: 'an entry is written `key = value`' },
  { found: t.Colon, rule: 'arguments', help: 'a named argument is written `name=value`' },
  { found: t.Colon, rule: 'let', help: 'the type of a `let` follows from its value' },
  { found: t.Pipe, expected: 'entry', help: 'put the whole chain behind one `key =`' },
  { found: t.If, before: t.Else, help: 'write `else { if ... { ... } }`' },
  { found: t.Assign, expected: 'RParen', rule: 'arguments', help: 'the name of an argument is one word' },
  { expected: 'LParen', rule: 'parameters', help: 'parameters follow the name: `(x: f32[N, C, H, W])`' },
  { expected: 'Arrow', help: 'a `fn` names its result: `fn half(n: int) -> int { ... }`' },
  { before: t.At, rule: 'postfix', help: 'the file with the weights is a string: `@ "best.safetensors"`' },
  { expected: 'String', rule: 'assert', help: 'the message of an `assert` is a string' },
  { expected: 'entry', help: 'an entry is `key = value`, `key { ... }` or a value' },
  { expected: 'value', found: t.Comma, help: 'write a value, or remove the `,`' },
  { expected: 'value', help: 'a value is a number, a string, a name, a call or an operation on them' },
  { expected: 'Identifier', help: 'names begin with a letter or `_`' },
  { expected: 'KeyName', help: 'names begin with a letter or `_`' },
  { expected: 'Then', help: 'an `if` that gives a value is written `if c then a else b`' },
  { expected: 'In', help: 'a loop is written `for i in 0..n { ... }`' },
  { expected: 'Colon', help: 'a label stands in front of its stage, as in `stem: conv(16, k=3)`' },
  { expected: 'RSquare', rule: 'postfix', help: 'an index takes one element, as in `sizes[0]`' },
  { expected: 'Assign', help: 'the value follows `=`' },
  { expected: 'LCurly', help: 'what belongs to it stands in braces: `{ ... }`' },
];

function hint(situation: Situation): string | undefined {
  const rule = innermost(situation);
  if (rule === 'import') return importHint(situation);
  return hints.find(
    (each) =>
      (each.expected ?? situation.expected) === situation.expected &&
      (each.rule ?? rule) === rule &&
      (each.found === undefined || each.found === typeAt(situation)) &&
      (each.before === undefined || each.before === typeAt(situation, -1)),
  )?.help;
}

/** `conv(16 3)`, `[16,, 32]`. */
function listHelp(situation: Situation): string | undefined {
  const wanted = wantedInList(situation);
  if (wanted === 'comma') return 'separate them by `,`';
  if (wanted === undefined) return undefined;
  return typeAt(situation) === t.Comma ? 'write a value, or remove the `,`' : 'write a value, or remove this';
}

const importForm = 'an import is written `import { name } from "std/vision"`';

function importHint(situation: Situation): string | undefined {
  const { expected } = situation;
  if (typeAt(situation) === t.As) return 'imported names keep their names';
  if (expected !== 'From') return importForm;
  return didYouMean(image(situation), ['from']) ?? importForm;
}

const explanations: readonly Explanation[] = [
  explainForeign,
  reservedWord,
  assignmentInCondition,
  valueOnNextLine,
  bareFraction,
  bareInteger,
  missingValue,
  bodyForValue,
  untypedParameter,
  ifWithoutElse,
  bracesInExpression,
  unknownDeclaration,
  strayDeclaration,
  strayStatement,
  strayStage,
  hinted,
];
