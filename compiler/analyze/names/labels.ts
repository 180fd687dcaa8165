/** The rule that at most one weighted call of a statement goes without a label. */
import type { Span } from '../../../grammar/source.ts';
import type { Claims } from './naming.ts';
import { report, type Scope } from './scope.ts';

/** The name that a call starts with, as in `conv` of `conv(16, k=3)`. */
const calleeAt = (span: Span): string => /^[A-Za-z_]\w*/.exec(span.file.text.slice(span.start, span.end))?.[0] ?? '';

/** Labels that do not clash, one for each call: `conv1: conv`, `bn1: bn`, `conv2: conv`. */
function suggestLabels(spans: readonly Span[]): string {
  const counts = new Map<string, number>();
  const labels = spans.map((span) => {
    const name = calleeAt(span);
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return `\`${name}${count}: ${name}\``;
  });
  return labels.length > 4 ? `${labels.slice(0, 4).join(', ')}, ...` : labels.join(', ');
}

/** Reports E0412 where several unlabelled weighted calls share one place. */
export function checkClaims(claims: Claims, scope: Scope): void {
  const [first, ...others] = claims.claimants;
  if (!first || others.length === 0) return;
  const spans = [first, ...others];
  report(scope, 'E0412', first, `${spans.length} calls with weights need labels here`, {
    label: 'this call has weights',
    notes: others.slice(0, 8).map((span) => ({ message: 'so has this one', span })),
    help: `name them: ${suggestLabels(spans)}`,
  });
}

/** Reports E0412 where `let (a, b) = ...` would have to name a weighted call. */
export function checkDestructured(claims: Claims, scope: Scope): void {
  const [first, second] = claims.claimants;
  if (!first) return;
  if (second) return checkClaims(claims, scope);
  const name = calleeAt(first);
  report(scope, 'E0412', first, 'a call with weights needs a label in a `let` of several names', {
    help: `name it: \`${name}1: ${name}\``,
  });
}
