/** The syntax tree of a `.cnn` file: plain data, every node with its span. */
import type { SourceFile, Span } from './source.ts';

export interface Program {
  readonly file: SourceFile;
  readonly imports: readonly Import[];
  readonly declarations: readonly Declaration[];
}

export interface Identifier {
  readonly name: string;
  readonly span: Span;
}

export interface Import {
  readonly kind: 'import';
  readonly names: readonly Identifier[];
  /** The text between the quotes: `std/...` or a relative path. */
  readonly from: string;
  readonly fromSpan: Span;
  readonly span: Span;
}

export type Declaration = ConstDeclaration | FunctionDeclaration | BlockDeclaration | Directive;

interface Documented {
  /** Text of the `##` lines in front of it, joined by newlines. */
  readonly doc?: string;
  readonly span: Span;
}

export interface ConstDeclaration extends Documented {
  readonly kind: 'const';
  readonly name: Identifier;
  readonly value: Expression;
}

/** `fn`: a compile-time scalar function. */
export interface FunctionDeclaration extends Documented {
  readonly kind: 'fn';
  readonly name: Identifier;
  readonly parameters: readonly Parameter[];
  readonly returns: TypeExpression;
  readonly body: Body;
}

export interface BlockDeclaration extends Documented {
  readonly kind: 'block' | 'model';
  readonly name: Identifier;
  readonly parameters: readonly Parameter[];
  readonly returns?: TypeExpression;
  readonly body: Body;
}

export interface Parameter {
  readonly name: Identifier;
  readonly type: TypeExpression;
  readonly default?: Expression;
  readonly span: Span;
}

/** `f32[N, C, H/2, W/2]`, `int`, `op`, `list`. */
export interface TypeExpression {
  readonly name: Identifier;
  readonly dims?: readonly Expression[];
  readonly span: Span;
}

export interface Body {
  readonly statements: readonly Statement[];
  readonly span: Span;
}

export type Statement = LetStatement | ConstStatement | AssertStatement | IfStatement | ReturnStatement;

export interface LetStatement {
  readonly kind: 'let';
  /** One name, or several for `let (a, b) = ...`. */
  readonly names: readonly Identifier[];
  readonly destructured: boolean;
  readonly value: Expression;
  readonly span: Span;
}
export interface ConstStatement {
  readonly kind: 'const';
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}
export interface AssertStatement {
  readonly kind: 'assert';
  readonly condition: Expression;
  /** The message as written, `{name}` placeholders included. */
  readonly message?: StringLiteral;
  readonly span: Span;
}
export interface IfStatement {
  readonly kind: 'if';
  readonly condition: Expression;
  readonly then: Body;
  readonly else?: Body;
  readonly span: Span;
}
export interface ReturnStatement {
  readonly kind: 'return';
  readonly value: Expression;
  readonly span: Span;
}

export type Expression =
  | NumberLiteral
  | StringLiteral
  | BooleanLiteral
  | NoneLiteral
  | NameExpression
  | TupleExpression
  | ListExpression
  | RecordExpression
  | IfExpression
  | UnaryExpression
  | BinaryExpression
  | CallExpression
  | IndexExpression
  | MemberExpression
  | AttachExpression
  | PipeExpression;

export interface NumberLiteral {
  readonly kind: 'number';
  /** The value before its unit: `50%` has value 50 and unit `%`. */
  readonly value: number;
  readonly unit?: string;
  /** True where the digits have neither a point nor an exponent. */
  readonly integer: boolean;
  readonly span: Span;
}
export interface StringLiteral {
  readonly kind: 'string';
  readonly value: string;
  readonly span: Span;
}
export interface BooleanLiteral {
  readonly kind: 'boolean';
  readonly value: boolean;
  readonly span: Span;
}
export interface NoneLiteral {
  readonly kind: 'none';
  readonly span: Span;
}
export interface NameExpression {
  readonly kind: 'name';
  readonly name: string;
  readonly span: Span;
}
/** Two or more expressions in parentheses. */
export interface TupleExpression {
  readonly kind: 'tuple';
  readonly elements: readonly Expression[];
  readonly span: Span;
}
export interface ListExpression {
  readonly kind: 'list';
  readonly elements: readonly Expression[];
  readonly span: Span;
}
/** `{ N = 16, H = 128 }` in an expression. */
export interface RecordExpression {
  readonly kind: 'record';
  readonly entries: readonly Entry[];
  readonly span: Span;
}
export interface IfExpression {
  readonly kind: 'if';
  readonly condition: Expression;
  readonly then: Expression;
  readonly else: Expression;
  readonly span: Span;
}
export interface UnaryExpression {
  readonly kind: 'unary';
  readonly operator: '-' | '!';
  readonly operand: Expression;
  readonly span: Span;
}
export type BinaryOperator =
  | '||'
  | '&&'
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | '..'
  | '+'
  | '-'
  | '*'
  | '/'
  | '//'
  | '%';
export interface BinaryExpression {
  readonly kind: 'binary';
  readonly operator: BinaryOperator;
  readonly operatorSpan: Span;
  readonly left: Expression;
  readonly right: Expression;
  readonly span: Span;
}
export interface CallExpression {
  readonly kind: 'call';
  readonly callee: Expression;
  readonly arguments: readonly Argument[];
  readonly span: Span;
}
export interface Argument {
  readonly name?: Identifier;
  readonly value: Expression;
  readonly span: Span;
}
export interface IndexExpression {
  readonly kind: 'index';
  readonly object: Expression;
  readonly index: Expression;
  readonly span: Span;
}
export interface MemberExpression {
  readonly kind: 'member';
  readonly object: Expression;
  readonly member: Identifier;
  readonly span: Span;
}
/** `model @ "file"`: weights attached to a model value. */
export interface AttachExpression {
  readonly kind: 'attach';
  readonly model: Expression;
  readonly file: StringLiteral;
  readonly span: Span;
}
/** `input |> stage`; a chain nests to the left. */
export interface PipeExpression {
  readonly kind: 'pipe';
  readonly input: Expression;
  readonly stage: Stage;
  readonly span: Span;
}

export type Stage = CallStage | SeqStage | ForStage | IfStage;

/** `name:` or `"name":` in front of a stage. */
export interface Label {
  readonly name: string;
  readonly span: Span;
}
export interface CallStage {
  readonly kind: 'call';
  readonly label?: Label;
  readonly name: Identifier;
  /** Absent for a bare name such as `relu`. */
  readonly arguments?: readonly Argument[];
  readonly span: Span;
}
export interface SeqStage {
  readonly kind: 'seq';
  readonly label?: Label;
  readonly stages: readonly Stage[];
  readonly span: Span;
}
export interface ForStage {
  readonly kind: 'for';
  readonly label?: Label;
  /** One name, or several for a tuple pattern. */
  readonly names: readonly Identifier[];
  readonly destructured: boolean;
  readonly iterable: Expression;
  readonly stages: readonly Stage[];
  readonly span: Span;
}
export interface IfStage {
  readonly kind: 'if';
  readonly label?: Label;
  readonly condition: Expression;
  readonly then: readonly Stage[];
  readonly else?: readonly Stage[];
  readonly span: Span;
}

/** `word [name] [for target] { entries }`, such as `train base for ResNet20 { ... }`. */
export interface Directive extends Documented {
  readonly kind: 'directive';
  readonly word: Identifier;
  readonly name?: Identifier;
  readonly target?: Identifier;
  readonly entries: readonly Entry[];
}
export type Entry = GroupEntry | AssignEntry | ValueEntry;
/** `split { train = 45_000 }`. */
export interface GroupEntry {
  readonly kind: 'group';
  readonly name: Identifier;
  readonly entries: readonly Entry[];
  readonly span: Span;
}
/** `epochs = 200`. */
export interface AssignEntry {
  readonly kind: 'assign';
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}
/** A list item or a constraint: `random_crop(32px)`, `params <= 2.55M`. */
export interface ValueEntry {
  readonly kind: 'value';
  readonly value: Expression;
  readonly span: Span;
}
