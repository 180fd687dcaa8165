/** Matches the arguments of a call with the parameters of what is called. */
import type { Identifier } from '../../../grammar/ast.ts';
import type { Span } from '../../../grammar/source.ts';
import { foreignArgument, foreignArgumentHelp } from '../../../grammar/elsewhere/index.ts';
import { didYouMean } from '../../../grammar/suggest.ts';
import type { Slot } from '../names/naming.ts';
import { report, type Scope } from '../names/scope.ts';
import type { Value } from '../values/values.ts';

export interface CallArgument {
  readonly name?: Identifier;
  readonly value: Value;
  readonly span: Span;
}

/** Where a call stands and which parameter path it may take. */
export interface CallPlace {
  readonly span: Span;
  readonly nameSpan: Span;
  readonly slot: Slot;
}

export interface MatchedArguments {
  readonly byName: ReadonlyMap<string, CallArgument>;
  /** Positional arguments of a callee that takes any number of them. */
  readonly rest: readonly CallArgument[];
}

export interface Callee {
  readonly name: string;
  readonly parameters: readonly string[];
  /** Whether all positional arguments are taken as `rest`. */
  readonly variadic: boolean;
  /** How many parameters may be given by position; all where it is absent. */
  readonly positional?: number;
  /** Whether it belongs to the language, so that habits of other frameworks may lie behind its arguments. */
  readonly isOp?: true;
}

/** The help line of a call whose arguments do not fit; undefined where there is no certain one. */
export type Mend = (callee: Callee, args: readonly CallArgument[], place: CallPlace) => string | undefined;

/** `f(x, out, k)`: what the help line of a wrong call shows. */
const usage = ({ name, parameters, variadic }: Callee): string =>
  `\`${name}(${[...(variadic ? ['...'] : []), ...parameters].join(', ')})\``;

interface Mismatch {
  readonly code: 'E0322' | 'E0324';
  readonly span: Span;
  readonly message: string;
  readonly help?: string | undefined;
}

/** The arguments by parameter; undefined after a report of unknown, repeated, misplaced or surplus ones. */
export function matchArguments(
  callee: Callee,
  args: readonly CallArgument[],
  place: CallPlace,
  scope: Scope,
  mendedCall: Mend = () => undefined,
): MatchedArguments | undefined {
  const byName = new Map<string, CallArgument>();
  const rest: CallArgument[] = [];
  const faults: Mismatch[] = [];
  let position = 0;
  for (const argument of args) {
    if (!argument.name && callee.variadic) {
      rest.push(argument);
      continue;
    }
    const at = argument.name ? undefined : position++;
    const name = argument.name?.name ?? callee.parameters[at ?? 0] ?? '';
    const fault = mismatchOf(callee, argument, at, byName.has(name));
    if (fault) faults.push(fault);
    else byName.set(name, argument);
  }
  if (faults.length === 0) return { byName, rest };
  const mended = mendedCall(callee, args, place);
  // One line mends the whole call.
  for (const { code, span, message, help } of mended === undefined ? faults : faults.slice(0, 1)) {
    report(scope, code, span, message, { help: mended ?? help ?? `call it as ${usage(callee)}` });
  }
  return undefined;
}

function unknownHelp({ parameters, isOp }: Callee, name: string): string | undefined {
  const foreign = foreignArgument(name, parameters);
  if (foreign && (isOp || foreign.kind === 'called')) return foreignArgumentHelp(foreign);
  return didYouMean(name, parameters);
}

/** `at` is the position of an argument without a name. */
function mismatchOf(
  callee: Callee,
  { name, span }: CallArgument,
  at: number | undefined,
  isTaken: boolean,
): Mismatch | undefined {
  if (name && !callee.parameters.includes(name.name)) {
    const message = `\`${callee.name}\` has no parameter \`${name.name}\``;
    return { code: 'E0322', span: name.span, message, help: unknownHelp(callee, name.name) };
  }
  if (at !== undefined && at >= (callee.positional ?? callee.parameters.length)) {
    return { code: 'E0324', span, message: misplacedMessage(callee) };
  }
  const taken = name?.name ?? callee.parameters[at ?? 0] ?? '';
  return isTaken ? { code: 'E0324', span: name?.span ?? span, message: `\`${taken}\` is given twice` } : undefined;
}

function misplacedMessage({ name, parameters, positional }: Callee): string {
  if (positional === undefined || positional >= parameters.length) {
    return `\`${name}\` takes ${countOf(parameters.length)}`;
  }
  const [tensor = '', ...others] = parameters.slice(0, positional).map((each) => `\`${each}\``);
  const placed = others.length > 0 ? `only ${others.join(' and ')}` : `nothing but the tensor ${tensor}`;
  return `\`${name}\` takes ${placed} by position`;
}

const countOf = (count: number): string =>
  count === 0 ? 'no arguments' : count === 1 ? 'one argument at most' : `${count} arguments at most`;

/** Reports a parameter without a value. */
export function reportMissing(callee: Callee, parameter: string, place: CallPlace, scope: Scope): void {
  report(scope, 'E0323', place.nameSpan, `\`${callee.name}\` needs a value for \`${parameter}\``, {
    help: `call it as ${usage(callee)}`,
  });
}
