/** Help lines for shapes that a signature does not allow: what brings a value there, or what the signature should say. */
import type { BlockDeclaration, Expression, FunctionDeclaration, TypeExpression } from '../../../grammar/ast.ts';
import { dimsEqual, formatDim, type Dim } from '../../ir/dim.ts';
import type { TensorType } from '../../ir/type.ts';
import { evaluateIn, FactNeeded, lookUpLocal, type Scope } from '../names/scope.ts';
import { isDimName, textOf } from '../values/type-match.ts';
import { dimOf } from '../values/values.ts';

/** The stages that bring `name` to the declared shape; undefined where sizes are open or no usual op does it. */
export function argumentHelp(name: string, type: TypeExpression, actual: TensorType, scope: Scope): string | undefined {
  const wanted = (type.dims ?? []).map((dim) => quietDim(dim, scope));
  const stages = stagesTo(actual.shape, wanted);
  return stages && stages.length > 0
    ? `bring it to that shape: \`${[name, ...stages].join(' |> ')}\``
    : 'bring it to that shape, or declare another';
}

/** The value of a dimension; undefined, without a report, where it has none. The fault at hand is reported already. */
function quietDim(expression: Expression, scope: Scope): Dim | undefined {
  const { build } = scope;
  const constants = new Map(build.constants);
  try {
    return dimOf(
      evaluateIn({ ...scope, build: { ...build, constants, diagnostics: [], reported: new Set() } }, expression),
    );
  } catch (error) {
    if (error instanceof FactNeeded) return undefined;
    throw error;
  }
}

function stagesTo(actual: readonly Dim[], wanted: readonly (Dim | undefined)[]): string[] | undefined {
  if (actual.length > 2 && wanted.length === 2) return ['flatten'];
  if (actual.length !== 4 || wanted.length !== 4) return undefined;
  const [, channels, height, width] = wanted;
  const differs = (axis: number): boolean => wanted[axis] === undefined || !dimsEqual(wanted[axis], actual[axis] ?? 1);
  if (differs(0)) return undefined;
  const stages: string[] = [];
  if (differs(2) || differs(3)) {
    if (typeof height !== 'number' || typeof width !== 'number') return undefined;
    const steps = [Number(actual[2]) / height, Number(actual[3]) / width];
    const isPool = steps[0] === steps[1] && Number.isInteger(steps[0]);
    stages.push(isPool ? `max_pool(k=${steps[0]})` : `resize(${height}, ${width})`);
  }
  if (!differs(1)) return stages;
  return typeof channels === 'number' ? [...stages, `conv(${channels}, k=1)`] : undefined;
}

/** What the body leaves out, or the type that it has. */
export function resultHelp(
  declaration: BlockDeclaration | FunctionDeclaration,
  type: TypeExpression,
  actual: TensorType,
  scope: Scope,
): string {
  const forgotten = parametersIn(type, declaration).find((name) => !mentions(declaration, name));
  if (forgotten !== undefined) return `the type depends on \`${forgotten}\`, which the body does not use`;
  if (isUnflattened(declaration, type, actual, scope)) {
    return 'put `flatten` in front of the `linear`, which computes along the last axis alone';
  }
  const axes = actual.shape.map((size, axis) => sizeText(size, axis, declaration, type, scope));
  return `declare what the body gives: \`-> ${actual.dtype}[${axes.join(', ')}]\``;
}

/** Whether a `linear` gave the declared features for each place of a picture, for the picture was not made a row. */
function isUnflattened(
  declaration: BlockDeclaration | FunctionDeclaration,
  { dims = [] }: TypeExpression,
  { shape }: TensorType,
  scope: Scope,
): boolean {
  const [features, last] = [shape.at(-1), dims.at(-1)];
  if (shape.length !== 4 || dims.length !== 2 || features === undefined || !last) return false;
  const wanted = quietDim(last, scope);
  return wanted !== undefined && dimsEqual(wanted, features) && mentions(declaration, 'linear');
}

/** Names of plain parameters in the dimensions of a type. */
function parametersIn(type: TypeExpression, { parameters }: BlockDeclaration | FunctionDeclaration): string[] {
  const names = wordsOf((type.dims ?? []).map((dim) => textOf(dim.span)).join(' '));
  return parameters.map(({ name }) => name.name).filter((name) => !isDimName(name) && names.has(name));
}

const wordsOf = (text: string): ReadonlySet<string> => new Set(text.match(/[A-Za-z_]\w*/g));

const mentions = ({ body }: BlockDeclaration | FunctionDeclaration, name: string): boolean =>
  wordsOf(textOf(body.span)).has(name);

/** A size in the words of the signature: as declared, else a name of the inputs that has it, else its value. */
function sizeText(
  size: Dim,
  axis: number,
  { parameters }: BlockDeclaration | FunctionDeclaration,
  type: TypeExpression,
  scope: Scope,
): string {
  const isSame = (expression: Expression | undefined): expression is Expression => {
    const value = expression && quietDim(expression, scope);
    return value !== undefined && dimsEqual(value, size);
  };
  const declared = type.dims?.[axis];
  if (isSame(declared)) return textOf(declared.span);
  const inputs = parameters.flatMap((parameter) => parameter.type.dims?.[axis] ?? []);
  const named = inputs.find(isSame);
  if (named) return textOf(named.span);
  /** An int parameter of that value. */
  const plain = (wanted: number): string | undefined =>
    parameters.find(({ name }) => {
      const value = lookUpLocal(scope, name.name)?.value;
      return value?.kind === 'int' && value.value === wanted;
    })?.name.name;
  if (typeof size !== 'number') return formatDim(size);
  const whole = inputs.find(({ kind }) => kind === 'name');
  const factor = Number(whole && quietDim(whole, scope)) / size;
  const isPart = whole && Number.isInteger(factor) && factor > 1 && factor <= 32;
  return plain(size) ?? (isPart ? `${textOf(whole.span)} / ${plain(factor) ?? factor}` : String(size));
}
