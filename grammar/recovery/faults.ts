/** From the parser's exceptions to diagnostics, less the faults that only follow from others. */
import type { IToken } from 'chevrotain';
import type { BalancedTokens } from './brackets.ts';
import type { Diagnostic } from '../diagnostics.ts';
import { explainFault } from './explain-fault.ts';
import type { Fault } from './recovering-parser.ts';
import type { Dropped } from './repair.ts';
import { indexOf } from './resume.ts';
import { unexpected } from './situation.ts';
import type { Situation } from './situation.ts';
import * as t from '../tokens.ts';

/** A fault that stands for itself. */
interface Kept {
  readonly situation: Situation;
  readonly end: number;
}

/** The diagnostics of brackets and grammar: one for each mistake, as far as one can tell mistakes apart. */
export function describeFaults(
  balanced: BalancedTokens,
  faults: readonly Fault[],
  lexical: readonly Diagnostic[],
): Diagnostic[] {
  // What is never closed belongs to the construct that opens it, not to the one in front of which it is missed.
  const places = [...lexical, ...balanced.diagnostics].map(({ code, span, notes }) =>
    Math.min(span.start, (code === 'E0111' && notes[0]?.span.start) || span.start),
  );
  places.sort((a, b) => a - b);
  const kept: Kept[] = [];
  for (const fault of faults) {
    const situation = situationOf(balanced, fault);
    if (!followsFrom(balanced, situation, places)) kept.push({ situation, end: fault.end });
  }
  const explained = new Set(
    balanced.dropped.filter((each) => isExplained(balanced, each, kept)).map((each) => each.diagnostic),
  );
  const brackets = balanced.diagnostics.filter((each) => !explained.has(each));
  return [...brackets, ...kept.map(({ situation }) => explainFault(situation) ?? unexpected(situation))];
}

/** True where a closer without an opener lies in what a fault gave up, or behind it on its line. */
function isExplained({ file, tokens }: BalancedTokens, { diagnostic }: Dropped, kept: readonly Kept[]): boolean {
  const place = diagnostic.span.start;
  return kept.some(({ situation: { start, at }, end }) => {
    const from = tokens[at]?.startOffset ?? Infinity;
    if (from > place) return false;
    const until = tokens[end]?.startOffset ?? Infinity;
    return (start.startOffset <= place && place < until) || !file.text.slice(from, place).includes('\n');
  });
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
  if (token?.image === '' || isPythonImport(balanced, situation)) return true;
  const opener = parent[at] ?? -1;
  const closer = tokens[balanced.close[opener] ?? -1];
  if (closer?.image === '' && (closer.tokenType !== t.RCurly || isAmongStages(situation))) return true;
  if (lacksOpener(balanced, opener, token)) return true;
  const end = token ? token.startOffset + token.image.length : file.text.length;
  // A construct that begins behind another on one line may be the rest of that other one.
  const before = tokens[indexOf(start, tokens.length) - 1];
  const rest = before && !file.text.slice(before.startOffset, start.startOffset).includes('\n') ? before : start;
  const first = lowerBound(places, rest.startOffset);
  return (places[first] ?? Infinity) <= end;
}

/** True where the nearest braces around the fault hold stages. */
function isAmongStages({ rules }: Situation): boolean {
  return rules.findLast((rule) => rule === 'body' || rule === 'stages' || rule === 'entries') === 'stages';
}

/** `from torch import nn` has its fault at `from`. */
function isPythonImport({ tokens }: BalancedTokens, { start }: Situation): boolean {
  const at = indexOf(start, tokens.length);
  return start.tokenType === t.Import && tokens[at - 2]?.tokenType === t.From && tokens[at - 3]?.tokenType !== t.RCurly;
}

/** True in round or square brackets where a closer further on closes nothing: elements run into those around them. */
function lacksOpener({ tokens, dropped }: BalancedTokens, opener: number, found: IToken | undefined): boolean {
  const around = tokens[opener];
  if (!around || !found || around.tokenType === t.LCurly) return false;
  return dropped.some((each) => each.opener === around && each.diagnostic.span.start > found.startOffset);
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
