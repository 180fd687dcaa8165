/** Help lines for names that nothing declares: the nearest name in sight, or what other frameworks call it. */
import { foreignHelp, foreignModules, foreignOp, plainName } from '../../../grammar/elsewhere/index.ts';
import type { Expression } from '../../../grammar/ast.ts';
import { didYouMean } from '../../../grammar/suggest.ts';
import { directiveFunctions } from '../directives/directive-functions.ts';
import { preludeValues } from '../prelude/prelude.ts';

/** The help line of E0201. */
export function unknownNameHelp(name: string, known: Iterable<string>): string {
  const names = [...known];
  const plain = plainName(name);
  const alike = names.filter((each) => each !== name && plainName(each) === plain);
  const own = alike.find((each) => !preludeValues.has(each));
  if (own !== undefined) return `did you mean \`${own}\`?`;
  const foreign = foreignOp(name);
  if (foreign) return foreignHelp(foreign);
  const near = alike[0] === undefined ? didYouMean(name, names) : `did you mean \`${alike[0]}\`?`;
  if (near !== undefined) return near;
  const key = directiveFunctions.get(name);
  if (key !== undefined) return `\`${name}\` has a meaning in directives only: write it there, as in \`${key}\``;
  return 'declare it in front of this, or import it';
}

/** The module in front of `nn.Conv2d` or `torch.nn.functional.relu`, where nothing here is called so. */
export function foreignModuleOf(expression: Expression): string | undefined {
  let root = expression;
  while (root.kind === 'member') root = root.object;
  return expression.kind === 'member' && root.kind === 'name' && foreignModules.has(root.name) ? root.name : undefined;
}

/** The help line for a name behind a module of another framework. */
export function foreignMemberHelp(module: string, member: string): string {
  if (module === 'self') {
    return 'there is no `self`: a layer stands where it is used, and a label names its weights, as in `x |> conv1: conv(16, k=3)`';
  }
  const foreign = foreignOp(member);
  if (foreign) return foreignHelp(foreign);
  return preludeValues.has(member)
    ? `here it is called \`${member}\`, without \`${module}.\``
    : 'layers and functions are known everywhere, without a module in front; `cnnc ops` lists them';
}

/** The help line for `x.view(...)` and the like; `shape` of the tensor as its signature has it. */
export function methodHelp(member: string, shape: string): string {
  if (member === 'shape' || member === 'size') {
    return `sizes are named in the signature; this tensor is ${shape}`;
  }
  const foreign = foreignOp(member);
  if (foreign) return foreignHelp(foreign);
  return preludeValues.has(member)
    ? `tensors have no methods: write \`x |> ${member}\``
    : 'tensors have no methods; `x |> relu` passes x on to an op';
}
