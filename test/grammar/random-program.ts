/** Random programs as text, with line breaks and comments wherever tokens meet. */
import fc from 'fast-check';

type Tokens = fc.Arbitrary<readonly string[]>;

const one = (...tokens: string[]): Tokens => fc.constant(tokens);
const all = (...parts: Tokens[]): Tokens => fc.tuple(...parts).map((found) => found.flat());
const maybe = (part: Tokens): Tokens => fc.oneof(one(), part);
const many = (part: Tokens, minLength = 0, maxLength = 4): Tokens =>
  fc.array(part, { minLength, maxLength }).map((found) => found.flat());

/** Elements with commas between them and perhaps one behind. */
const commas = (part: Tokens, minLength = 0, maxLength = 5): Tokens =>
  fc.tuple(fc.array(part, { minLength, maxLength }), fc.boolean()).map(([parts, isTrailing]) => {
    const inner = parts.flatMap((each, index) => (index === 0 ? each : [',', ...each]));
    return isTrailing && parts.length > 0 ? [...inner, ','] : inner;
  });

const identifier = fc
  .constantFrom('x', 'y', 'out', 'stride', 'conv_bn_act', 'hidden_channels', 'a_rather_long_name_of_something')
  .map((name) => [name]);
const number = fc
  .constantFrom('0', '12', '45_000', '0x1F', '1.5', '1e-3', '50%', '200epochs', '160KiB')
  .map((n) => [n]);
const string = fc.constantFrom('"a"', '"with {name} \\u{1F600}"', '"a # inside"').map((text) => [text]);
const operator = fc.constantFrom('||', '&&', '..', '+', '-', '*', '/', '//', '%').map((sign) => [sign]);
const comparison = fc.constantFrom('==', '!=', '<', '<=', '>', '>=').map((sign) => [sign]);

const { expression, entries } = fc.letrec<{
  expression: readonly string[];
  operand: readonly string[];
  primary: readonly string[];
  postfix: readonly string[];
  argument: readonly string[];
  stage: readonly string[];
  stages: readonly string[];
  entry: readonly string[];
  entries: readonly string[];
}>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'program' },
    all(identifier),
    all(tie('operand'), many(all(operator, tie('operand')))),
    all(tie('operand'), comparison, tie('operand')),
    all(tie('operand'), many(all(one('|>'), tie('stage')), 1)),
    all(one('if'), tie('expression'), one('then'), tie('expression'), one('else'), tie('expression')),
  ),
  operand: all(many(fc.constantFrom(['-'], ['!']), 0, 1), tie('primary'), many(tie('postfix'), 0, 2)),
  primary: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'program' },
    identifier,
    number,
    string,
    one('true'),
    one('none'),
    all(one('('), tie('expression'), one(')')),
    all(one('('), commas(tie('expression'), 2), one(')')),
    all(one('['), commas(tie('expression')), one(']')),
    all(one('['), commas(all(one('('), number, one(','), identifier, one(','), number, one(')'))), one(']')),
    tie('entries'),
  ),
  postfix: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'program' },
    all(one('.'), identifier),
    all(one('('), commas(tie('argument')), one(')')),
    all(one('['), tie('expression'), one(']')),
    all(one('@'), string),
  ),
  argument: fc.oneof(tie('expression'), all(identifier, one('='), tie('expression'))),
  stage: all(
    maybe(all(fc.oneof(identifier, string), one(':'))),
    fc.oneof(
      { maxDepth: 3, depthIdentifier: 'program' },
      identifier,
      all(identifier, one('('), commas(tie('argument')), one(')')),
      all(one('seq'), tie('stages')),
      all(one('for', '('), commas(identifier, 1), one(')', 'in'), tie('expression'), tie('stages')),
      all(one('if'), tie('expression'), tie('stages'), maybe(all(one('else'), tie('stages')))),
    ),
  ),
  stages: all(one('{'), many(all(tie('stage'), fc.constantFrom([';'], []))), one('}')),
  entry: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'program' },
    all(identifier, one('='), tie('expression')),
    all(identifier, tie('entries')),
    tie('expression'),
  ),
  entries: all(one('{'), many(all(tie('entry'), fc.constantFrom([';'], [','], []))), one('}')),
}));

const sizes = fc
  .array(expression, { maxLength: 4 })
  .map((parts) => parts.flatMap((each, index) => (index === 0 ? each : [',', ...each])));
const type = all(identifier, maybe(all(one('['), sizes, one(']'))));
const parameter = all(identifier, one(':'), type, maybe(all(one('='), expression)));
const pattern = fc.oneof(identifier, all(one('('), commas(identifier, 1), one(')')));
const { body } = fc.letrec<{ statement: readonly string[]; body: readonly string[] }>((tie) => ({
  statement: fc.oneof(
    { maxDepth: 2, depthIdentifier: 'statement' },
    all(one('let'), pattern, one('='), expression),
    all(one('const'), identifier, one('='), expression),
    all(one('return'), expression),
    all(one('assert'), expression, maybe(all(one(','), string))),
    all(one('if'), expression, tie('body'), maybe(all(one('else'), tie('body')))),
  ),
  body: all(one('{'), many(tie('statement')), one('}')),
}));
const signature = all(identifier, one('('), commas(parameter), one(')'));
const declaration = fc.oneof(
  all(one('import', '{'), commas(identifier, 1), one('}', 'from'), string),
  all(one('const'), identifier, one('='), expression),
  all(one('fn'), signature, one('->'), type, body),
  all(fc.constantFrom(['block'], ['model']), signature, maybe(all(one('->'), type)), body),
  all(one('train'), maybe(identifier), maybe(all(one('for'), identifier)), entries),
);

const gap = fc.oneof(
  { weight: 30, arbitrary: fc.constant(' ') },
  { weight: 4, arbitrary: fc.constantFrom('\n', '\n\n', '\r\n    ', '\n\n\n\n\t') },
);
const comment = fc.constantFrom(
  ' # one\n',
  '   ## two\n',
  '\n# three\n',
  '\n\n## four\n',
  '\n# five\n\n\n  # six  \r\n',
);

/** Tokens of a program, and what stands between them. */
export const randomProgram: fc.Arbitrary<string> = fc
  .tuple(many(declaration, 1, 3), fc.boolean())
  .chain(([tokens, isCommented]) =>
    fc
      .array(isCommented ? fc.oneof({ weight: 12, arbitrary: gap }, { weight: 1, arbitrary: comment }) : gap, {
        minLength: tokens.length + 1,
        maxLength: tokens.length + 1,
      })
      .map((gaps) => gaps.map((each, index) => each + (tokens[index] ?? '')).join('')),
  );
