/** Signals that ask a run to end, and the command line that goes on. */
import { describe, expect, it } from 'vitest';

import { exitOf, withSignals } from '../../compiler/cli/commands/train/signals.ts';
import { runCli } from '../../compiler/cli/run-cli.ts';
import { workshop } from './cnnc.ts';

const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
type Name = (typeof names)[number];

/** Calls what was added for a signal: the signal itself would end the tests. */
function added(name: Name, work: () => void): () => void {
  const others = new Set(process.listeners(name));
  work();
  const own = process.listeners(name).filter((each) => !others.has(each));
  return () => own.forEach((listener) => listener(name));
}

describe('a signal', () => {
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('%s ends a run with %i, and is listened to no longer', async (name, exit) => {
    const before = names.map((each) => process.listenerCount(each));
    let code: number | undefined;
    const send: { now?: () => void } = {};
    let ended: Promise<void> | undefined;
    send.now = added(name, () => {
      ended = withSignals(async (signal) => {
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
        code = exitOf(signal);
      });
    });
    send.now();
    await ended;
    expect(code).toBe(exit);
    expect(names.map((each) => process.listenerCount(each))).toEqual(before);
  });

  it('SIGTERM in a training saves, and says which command goes on', async () => {
    const source = `
model M(x: f32[N, 3, 8, 8]) -> f32[N, 2] { return x |> global_avg_pool |> flatten |> fc: linear(2) }
dataset shapes { format = "synthetic"  size = 8px  samples = 16  classes = 2  split { val = 4 } }
train base for M { data = shapes  epochs = 500  batch = 8  loss = cross_entropy()  optimizer = sgd(lr=0.1) }
`;
    const shop = workshop({ "it's.cnn": source });
    let out = '';
    let hasSent = false;
    const others = new Set(process.listeners('SIGTERM'));
    const write = (text: string): void => {
      out += text;
      if (!/^ +\d/m.test(text) || hasSent) return;
      hasSent = true;
      for (const listener of process.listeners('SIGTERM')) if (!others.has(listener)) listener('SIGTERM');
    };
    const argv = ['train', shop.at("it's.cnn"), '-o', shop.at('run')];
    expect(await runCli(argv, { stdout: { write }, stderr: { write: () => undefined }, env: {} })).toBe(143);
    const going = String.raw`'${shop.folder}/it'\''s.cnn' -o ${shop.at('run')} --resume`;
    expect(out).toContain(`this goes on from here:\n  npx cnnc train ${going}\n`);
  });
});
