/** `cnnc bench A B ...`: several artifacts in one process, taking turns, so that a busy machine is as busy for each. */
import type { Artifact } from '../../../../runtime/artifact.ts';
import { readBuilt } from '../../read-built.ts';
import type { OpenedDevice } from '../../../../runtime/node/device/device.ts';
import type { HostTensor, Session } from '../../../../runtime/session.ts';
import { checkAssertions, parseAssertions } from '../../assertions.ts';
import { percentiles, type MeasureFlags } from './times.ts';
import type { Context } from '../../command.ts';
import { exitCodes, type ExitCode } from '../../../driver/failure.ts';
import { batchOf, randomInputs, symbolValues } from '../../../driver/open-sizes.ts';
import { sessionFor, withDevice, type ArtifactFlags } from '../../open-session.ts';
import { formatDigits, formatMs, formatTable } from '../../../driver/text.ts';

export interface SeveralFlags extends MeasureFlags, ArtifactFlags {
  readonly batch?: number;
  readonly shape?: Readonly<Record<string, number>>;
}

interface Racer {
  readonly folder: string;
  readonly session: Session;
  readonly inputs: Record<string, HostTensor>;
  readonly batch: number;
  readonly times: number[];
  /** Milliseconds of processor time in all timed runs. */
  cpu: number;
}

/** The median of one artifact over that of another, of the same runs. */
const metrics = { speedup: { key: 'speedup', units: [] } } as const;

/** `assert` limits `speedup`: the first artifact's median over the largest of the others. */
export async function benchSeveral(
  context: Context,
  folders: readonly string[],
  flags: SeveralFlags,
  asserted: readonly string[],
): Promise<ExitCode> {
  const assertions = parseAssertions(asserted, metrics);
  const artifacts: (readonly [string, Artifact])[] = [];
  for (const folder of folders) artifacts.push([folder, await readBuilt(folder)]);
  return withDevice(context, flags, async (opened) => {
    const racers: Racer[] = [];
    try {
      for (const [folder, artifact] of artifacts) racers.push(await enter(context, opened, folder, artifact, flags));
      await race(context, racers, flags);
    } finally {
      for (const { session } of racers) session.dispose();
    }
    checkAssertions(assertions, { speedup: report(context, racers, flags, opened) });
    return exitCodes.ok;
  });
}

async function enter(
  { seed }: Context,
  opened: OpenedDevice,
  folder: string,
  artifact: Artifact,
  flags: SeveralFlags,
): Promise<Racer> {
  const session = await sessionFor(opened, artifact, folder, flags);
  const batch = batchOf(session.plan, flags.batch);
  const values = symbolValues(artifact.manifest, session.plan, batch, flags.shape);
  return { folder, session, inputs: randomInputs(session.plan, values, seed), batch, times: [], cpu: 0 };
}

async function race({ output }: Context, racers: readonly Racer[], { iters, warmup }: MeasureFlags): Promise<void> {
  for (let at = 0; at < warmup; at++) for (const { session, inputs } of racers) await session.run(inputs);
  for (let at = 0; at < iters; at++) {
    for (const racer of racers) {
      const [started, before] = [performance.now(), process.cpuUsage()];
      await racer.session.run(racer.inputs);
      racer.times.push(performance.now() - started);
      const { user, system } = process.cpuUsage(before);
      racer.cpu += (user + system) / 1000;
    }
    if (at % 16 === 0) output.progress(`round ${at + 1} of ${iters}`, { stage: 'run', done: at + 1, total: iters });
  }
  output.progress('');
}

/** Returns the first artifact's median over the largest of the others. */
function report({ output }: Context, racers: readonly Racer[], { iters }: MeasureFlags, opened: OpenedDevice): number {
  const measured = racers.map((racer) => {
    const times = percentiles(racer.times.toSorted((a, b) => a - b));
    return { ...racer, ...times, cpu_ms: racer.cpu / iters, throughput: (racer.batch * 1000) / times.p50_ms };
  });
  const [first] = measured;
  const speedups = measured.map(({ p50_ms }) => (first?.p50_ms ?? NaN) / p50_ms);
  const adapter = opened.info.description || opened.info.device;
  const rows = measured.map(({ folder, p50_ms, p90_ms, min_ms, cpu_ms, throughput }, at) => [
    folder,
    ...[p50_ms, p90_ms, min_ms, cpu_ms].map(formatMs),
    formatDigits(throughput),
    at === 0 ? '' : `${formatDigits(speedups[at] ?? NaN)}x`,
  ]);
  output.data(`${adapter}; ${iters} rounds of one run each`);
  const head = ['artifact', 'p50', 'p90', 'least', 'CPU', 'samples/s', 'speedup'];
  output.data(formatTable([head, ...rows], [1, 2, 3, 4, 5, 6]));
  for (const [at, { folder, p50_ms, p90_ms, p99_ms, min_ms, cpu_ms, throughput, batch }] of measured.entries()) {
    const figures = { p50_ms, p90_ms, p99_ms, min_ms, cpu_ms, throughput, batch, speedup: speedups[at] };
    output.event({ type: 'metric', kind: 'artifact', artifact: folder, ...figures });
  }
  const speedup = Math.min(...speedups.slice(1));
  output.event({ type: 'summary', adapter, iters, speedup });
  return speedup;
}
