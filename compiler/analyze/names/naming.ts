/**
 * Parameter paths: a label, else the position in a `seq`, else the `let` name, else the block's own path.
 * Paths are claimed late, at the first parameter, so that only calls with weights take a name.
 */
import type { Span } from '../../../grammar/source.ts';

/** A place for parameters; `path()` claims it, `tentative` only looks. */
export interface Slot {
  path(): string;
  readonly tentative: string;
}

/** The one unlabelled place of a statement or a `seq` position, and who took it. */
export interface Claims {
  readonly owner: Slot;
  /** Path element of the one claimant; empty where it takes the owner's own path. */
  readonly element: string;
  readonly claimants: Span[];
}

/** How names are given in the expression at hand. */
export interface Naming {
  /** What a label is appended to. */
  readonly container: Slot;
  readonly claims: Claims;
  /** Path that messages and profiles show for nodes without parameters. */
  readonly shown: string;
}

export const joinNames = (path: string, element: string): string =>
  path === '' || element === '' ? path + element : `${path}.${element}`;

export const rootSlot: Slot = { path: () => '', tentative: '' };

/** A place below `owner` under a name of its own: a label. */
export const labelSlot = (owner: Slot, label: string): Slot => ({
  path: () => joinNames(owner.path(), label),
  tentative: joinNames(owner.tentative, label),
});

/** The unlabelled place of `claims` for one call; the first parameter inside claims it, once. */
export function claimSlot(claims: Claims, span: Span): Slot {
  const tentative = joinNames(claims.owner.tentative, claims.element);
  let claimed: string | undefined;
  const claim = (): string => {
    const others = claims.claimants.push(span) - 1;
    // Two claimants are an error (E0412); the second gets a path of its own, so that no E0411 follows from it.
    return joinNames(claims.owner.path(), others === 0 ? claims.element : `${claims.element}#${others}`);
  };
  return { path: () => (claimed ??= claim()), tentative };
}

/** Names for the expression of one statement: `element` is the `let` name, or empty. */
export const statementNaming = (owner: Slot, element: string): Naming => ({
  container: owner,
  claims: { owner, element, claimants: [] },
  shown: owner.tentative,
});

/** Names for the stage at a position of a `seq`. */
export const positionNaming = (sequence: Slot, position: number): Naming => ({
  container: sequence,
  claims: { owner: sequence, element: String(position), claimants: [] },
  shown: joinNames(sequence.tentative, String(position)),
});
