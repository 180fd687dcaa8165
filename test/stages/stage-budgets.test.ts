/** What is said of budgets that stages miss. */
import { expect, it } from 'vitest';
import { judgeStage } from '../../compiler/stages/run/judge-stage.ts';
import { check } from '../analyze/memory-host.ts';

const helpOf = (target: string, budget: string, figures: Record<string, number>): string | undefined => {
  const { program, diagnostics } = check(`
model Net(x: f32[N, 2, 6, 6]) { return x |> c: conv(8, k=3) |> global_avg_pool |> flatten |> fc: linear(3) }
dataset shapes { format = "synthetic"  size = 6px  samples = 48  classes = 3 }
train base for Net { data = shapes  loss = cross_entropy()  optimizer = sgd(lr=0.1) }
prune slim for Net { from = base  target = ${target} }
quantize int8 for Net { from = slim  calibrate { data = shapes.train } }
budget for int8 { ${budget} }
budget for base { ${budget} }
`);
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  const missedBy = (stage: string) => judgeStage(program, stage, figures, () => undefined).missed;
  expect(missedBy('base')[0]?.help).toBe(
    'val.accuracy' in figures ? undefined : 'raise it, or let a `prune` stage remove channels',
  );
  const [missed] = missedBy('int8');
  expect(missed?.code).toBe('E0801');
  return missed?.help;
};

// Of 60% 120/121 may be left: 59.5%. Of 50% the half: 25%. Of 70% 6 of 6.3: 66.7%.
it.each([
  ['macs(-40%)', 'size <= 120KiB', { size: 121 * 1024 }, ': `target = macs(-45%)` in `slim`'],
  ['params(-50%)', 'params <= 1K', { params: 2000 }, ': `target = params(-80%)` in `slim`'],
  ['ratio(30%)', 'macs < 6M', { macs: 6_300_000 }, ': `target = ratio(35%)` in `slim`'],
  ['macs(-40%)', 'size < 120KiB', { size: 120 * 1024 }, ': `target = macs(-45%)` in `slim`'],
  ['macs(20MMACs)', 'size <= 120KiB', { size: 121 * 1024 }, ''],
  ['macs(-90%)', 'size <= 1KiB', { size: 100 * 1024 }, ''],
])('%s and %s: how much to prune', (target, budget, figures, more) => {
  expect(helpOf(target, budget, figures)).toBe(`raise it, or prune more${more}`);
});

it('what pruning does not mend has no such help', () => {
  expect(helpOf('macs(-40%)', 'val.accuracy >= 90%', { 'val.accuracy': 0.8 })).toBeUndefined();
});
