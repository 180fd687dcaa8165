/** `cnnc bench`: how long an artifact takes, from the first result to the steady state. */
import { join } from 'node:path';
import type { Plan } from '../../runtime/artifact.ts';
import { pathKind } from '../../runtime/node/file-access.ts';
import { readArtifact } from '../../runtime/node/read-artifact.ts';
import type { HostTensor, Session } from '../../runtime/session.ts';
import { checkAssertions, parseAssertions } from './assertions.ts';
import type { Configure, Context } from './command.ts';
import { exitCodes, usageError, type ExitCode } from './failure.ts';
import { integerFlag, listFlag, sizesFlag } from './flags.ts';
import { randomInputs, symbolValues } from './open-sizes.ts';
import { sessionFor, withDevice } from './open-session.ts';
import { formatDigits, formatMs, formatTable } from './text.ts';

interface BenchFlags {
  readonly batch?: number;
  readonly iters: number;
  readonly warmup: number;
  readonly shape?: Readonly<Record<string, number>>;
  readonly assert?: readonly string[];
}

export const configureBench: Configure = (command, act) => {
  command
    .argument('<artifact>', 'artifact folder')
    .option('--batch <n>', 'samples in a run (default: 1, or what the artifact fixes)', integerFlag('--batch', 1))
    .option('--shape <sizes>', 'sizes that the artifact leaves open, as in H=128,W=128', sizesFlag)
    .option('--iters <n>', 'timed runs', integerFlag('--iters', 1), 50)
    .option('--warmup <n>', 'runs before them', integerFlag('--warmup', 0), 5)
    .option('--assert <limit>', 'fail with exit code 4 unless, as in "p50<=2ms"; can be repeated', listFlag)
    .addHelpText(
      'after',
      '\nA run goes from tensors in memory to tensors in memory. first_ms is the way from the artifact folder to the\n' +
        'first result on an open device: reading, pipelines, upload, one run. device_ms is what opening the device took.',
    )
    .action((artifact: string, flags: BenchFlags) => act((context) => bench(context, artifact, flags)));
};

const time = { units: ['us', 'ms', 's'] } as const;
const metrics = {
  p50: { key: 'p50_ms', ...time },
  p90: { key: 'p90_ms', ...time },
  p99: { key: 'p99_ms', ...time },
  first: { key: 'first_ms', ...time },
  device: { key: 'device_ms', ...time },
  cpu: { key: 'cpu_ms', ...time },
  throughput: { key: 'throughput', units: [] },
} as const;

async function bench(context: Context, folder: string, flags: BenchFlags): Promise<ExitCode> {
  const assertions = parseAssertions(flags.assert ?? [], metrics);
  // A wrong path is told before a GPU is looked for; the timed reading comes later.
  if ((await pathKind(join(folder, 'manifest.json'))) === undefined) await readArtifact(folder);
  const opening = performance.now();
  return withDevice(context, async (opened) => {
    const device_ms = performance.now() - opening;
    let loading = performance.now();
    const artifact = await readArtifact(folder);
    const session = await sessionFor(opened, artifact, folder);
    try {
      const drawing = performance.now();
      const batch = batchOf(session.plan, flags.batch);
      const values = symbolValues(artifact.manifest, session.plan, batch, flags.shape);
      const inputs = randomInputs(session.plan, values, context.seed);
      // Drawing the input is not the artifact's work.
      loading += performance.now() - drawing;
      await session.run(inputs);
      const first_ms = performance.now() - loading;
      const times = await measure(context, session, inputs, flags);
      const adapter = opened.info.description || opened.info.device;
      const summary = {
        ...times,
        first_ms,
        device_ms,
        throughput: (batch * 1000) / times.p50_ms,
        adapter,
        batch,
        iters: flags.iters,
      };
      report(context, summary);
      checkAssertions(assertions, summary);
    } finally {
      session.dispose();
    }
    return exitCodes.ok;
  });
}

/** The batch to run: what is asked for, unless the artifact was built for one batch. Throws E0001 where they differ. */
export function batchOf({ inputs }: Plan, wanted: number | undefined): number {
  const fixed = inputs[0]?.shape[0];
  if (typeof fixed !== 'number') return wanted ?? 1;
  if (wanted === undefined || wanted === fixed) return fixed;
  throw usageError(`the artifact is built for batches of ${fixed}, not of ${wanted}`);
}

async function measure(
  { output }: Context,
  session: Session,
  inputs: Record<string, HostTensor>,
  { iters, warmup }: BenchFlags,
) {
  for (let at = 0; at < warmup; at++) {
    await session.run(inputs);
    output.progress(`warming up: ${at + 1} of ${warmup}`, { stage: 'warmup', done: at + 1, total: warmup });
  }
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let at = 0; at < iters; at++) {
    const started = performance.now();
    await session.run(inputs);
    times.push(performance.now() - started);
    // Redrawing the line costs as much as a small model.
    if (at % 16 === 0) output.progress(`run ${at + 1} of ${iters}`, { stage: 'run', done: at + 1, total: iters });
  }
  const { user, system } = process.cpuUsage(before);
  output.progress('');
  times.sort((a, b) => a - b);
  // The nearest-rank percentile: a time that was measured.
  const at = (part: number): number => times[Math.max(0, Math.ceil(part * times.length) - 1)] ?? 0;
  return { p50_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99), min_ms: at(0), cpu_ms: (user + system) / 1000 / iters };
}

type Summary = Awaited<ReturnType<typeof measure>> & {
  readonly first_ms: number;
  readonly device_ms: number;
  readonly throughput: number;
  readonly adapter: string;
  readonly batch: number;
  readonly iters: number;
};

function report({ output }: Context, summary: Summary): void {
  const { p50_ms, p90_ms, p99_ms, first_ms, device_ms, cpu_ms, throughput, adapter, batch, iters } = summary;
  const rows = [
    ['adapter', adapter],
    ['batch', `${batch}, ${iters} runs`],
    ['p50 / p90 / p99', `${formatMs(p50_ms)} / ${formatMs(p90_ms)} / ${formatMs(p99_ms)}`],
    ['CPU time', `${formatMs(cpu_ms)} a run`],
    ['throughput', `${formatDigits(throughput)} samples/s`],
    ['first result', `${formatMs(first_ms)} after the artifact was opened (device: ${formatMs(device_ms)})`],
  ];
  output.data(formatTable(rows));
  output.event({ type: 'summary', ...summary });
}
