/** Matches the arguments of a call with the parameters of what is called. */
import type { Identifier } from '../../grammar/ast.ts';
import type { Span } from '../../grammar/source.ts';
import { didYouMean } from '../../grammar/suggest.ts';
import type { Slot } from './naming.ts';
import { report, type Scope } from './scope.ts';
import type { Value } from './values.ts';

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
}

/** `f(x, out, k)`: what the help line of a wrong call shows. */
const usage = ({ name, parameters, variadic }: Callee): string =>
  `\`${name}(${[...(variadic ? ['...'] : []), ...parameters].join(', ')})\``;

/** The arguments by parameter; undefined after a report of unknown, repeated or surplus ones. */
export function matchArguments(
  callee: Callee,
  args: readonly CallArgument[],
  scope: Scope,
): MatchedArguments | undefined {
  const byName = new Map<string, CallArgument>();
  const rest: CallArgument[] = [];
  let position = 0;
  let fits = true;
  const reject = (code: 'E0322' | 'E0324', span: Span, message: string, help?: string): void => {
    fits = false;
    report(scope, code, span, message, { help: help ?? `call it as ${usage(callee)}` });
  };
  for (const argument of args) {
    if (!argument.name && callee.variadic) {
      rest.push(argument);
      continue;
    }
    const name = argument.name?.name ?? callee.parameters[position++];
    if (name === undefined) {
      reject('E0324', argument.span, `\`${callee.name}\` takes ${countOf(callee.parameters.length)}`);
    } else if (!callee.parameters.includes(name)) {
      const span = argument.name?.span ?? argument.span;
      reject('E0322', span, `\`${callee.name}\` has no parameter \`${name}\``, didYouMean(name, callee.parameters));
    } else if (byName.has(name)) {
      reject('E0324', argument.name?.span ?? argument.span, `\`${name}\` is given twice`);
    } else {
      byName.set(name, argument);
    }
  }
  return fits ? { byName, rest } : undefined;
}

const countOf = (count: number): string =>
  count === 0 ? 'no arguments' : count === 1 ? 'one argument at most' : `${count} arguments at most`;

/** Reports a parameter without a value. */
export function reportMissing(callee: Callee, parameter: string, place: CallPlace, scope: Scope): void {
  report(scope, 'E0323', place.nameSpan, `\`${callee.name}\` needs a value for \`${parameter}\``, {
    help: `call it as ${usage(callee)}`,
  });
}
