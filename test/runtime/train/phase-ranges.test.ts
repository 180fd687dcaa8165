/** Phases of a plan as ranges of its steps. */
import { expect, it } from 'vitest';
import type { Phase, Plan } from '../../../runtime/artifact.ts';
import { phaseRanges } from '../../../runtime/train/phase-ranges.ts';

const plan = (...phases: readonly Phase[]): Plan => ({ steps: phases.map((phase) => ({ phase })) }) as never;

it('cuts where the fewest steps are on the wrong side', () => {
  const steps = plan(
    'backward',
    'forward',
    'update',
    'forward',
    'forward',
    'backward',
    'backward',
    'forward',
    'update',
  );
  expect(phaseRanges(steps)).toEqual([
    { phase: 'forward', from: 0, to: 5 },
    { phase: 'backward', from: 5, to: 8 },
    { phase: 'update', from: 8, to: 9 },
  ]);
});

it('leaves out phases without steps', () => {
  expect(phaseRanges(plan('forward', 'update'))).toEqual([
    { phase: 'forward', from: 0, to: 1 },
    { phase: 'update', from: 1, to: 2 },
  ]);
  expect(phaseRanges(plan('backward'))).toEqual([{ phase: 'backward', from: 0, to: 1 }]);
  expect(phaseRanges(plan())).toEqual([]);
});
