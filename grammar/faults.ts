/** From the parser's exceptions to diagnostics, less the faults that only follow from others. */
import type { BalancedTokens } from './brackets.ts';
import type { Diagnostic } from './diagnostics.ts';
import { explainFault } from './explain-fault.ts';
import type { Fault } from './recovering-parser.ts';
import { indexOf } from './resume.ts';
import { unexpected } from './situation.ts';
import type { Situation } from './situation.ts';
import * as t from './tokens.ts';

/** One diagnostic for each fault that does not follow from an earlier one or from a fault of lexing or brackets. */
export function describeFaults(
  balanced: BalancedTokens,
  faults: readonly Fault[],
  earlier: readonly Diagnostic[],
): Diagnostic[] {
  // What is never closed belongs to the construct that opens it, not to the one in front of which it is missed.
  const places = earlier.map(({ code, span, notes }) => ((code === 'E0111' && notes[0]?.span) || span).start);
  places.sort((a, b) => a - b);
  const found: Diagnostic[] = [];
  for (const fault of faults) {
    const situation = situationOf(balanced, fault);
    if (!followsFrom(balanced, situation, places)) found.push(explainFault(situation) ?? unexpected(situation));
  }
  return found;
}

function situationOf(balanced: BalancedTokens, { exception, start }: Fault): Situation {
  const { file, tokens, parent } = balanced;
  const at = indexOf(exception.token, tokens.length);
  return { file, tokens, parent, expected: exception.message, rules: exception.context.ruleStack, start, at };
}

/** True where the construct already has a diagnostic, or stands in a bracket whose end is a guess. */
function followsFrom(balanced: BalancedTokens, situation: Situation, places: readonly number[]): boolean {
  const { tokens, at, start, parent, file } = situation;
  const token = tokens[at];
  if (token?.image === '') return true;
  const opener = parent[at] ?? -1;
  const closer = tokens[balanced.close[opener] ?? -1];
  if (closer?.image === '' && closer.tokenType !== t.RCurly) return true;
  const end = token ? token.startOffset + token.image.length : file.text.length;
  // A construct that begins behind another on one line may be the rest of that other one.
  const before = tokens[indexOf(start, tokens.length) - 1];
  const rest = before && !file.text.slice(before.startOffset, start.startOffset).includes('\n') ? before : start;
  const first = lowerBound(places, rest.startOffset);
  return (places[first] ?? Infinity) <= end;
}

/** Index of the first of the sorted numbers that is not below `value`. */
function lowerBound(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
