/** What `cnnc bench` measures of anything that runs again and again, and how it tells it. */
import { percentile } from '../../../driver/measured-budgets.ts';
import type { Context } from '../../command.ts';
import { formatDigits, formatMs } from '../../../driver/text.ts';

export interface MeasureFlags {
  readonly iters: number;
  readonly warmup: number;
}

export const time = { units: ['us', 'ms', 's'] } as const;

/** Figures for `--assert`. */
export const latencyMetrics = {
  p50: { key: 'p50_ms', ...time },
  p90: { key: 'p90_ms', ...time },
  p99: { key: 'p99_ms', ...time },
  first: { key: 'first_ms', ...time },
  device: { key: 'device_ms', ...time },
  cpu: { key: 'cpu_ms', ...time },
  throughput: { key: 'throughput', units: [] },
} as const;

/** `onTimes` is given the times in milliseconds, sorted. */
export async function measure(
  { output }: Context,
  { iters, warmup }: MeasureFlags,
  run: () => Promise<unknown>,
  onTimes?: (sorted: readonly number[]) => void,
) {
  for (let at = 0; at < warmup; at++) {
    await run();
    output.progress(`warming up: ${at + 1} of ${warmup}`, { stage: 'warmup', done: at + 1, total: warmup });
  }
  const times: number[] = [];
  const before = process.cpuUsage();
  for (let at = 0; at < iters; at++) {
    const started = performance.now();
    await run();
    times.push(performance.now() - started);
    // Redrawing the line costs as much as a small model.
    if (at % 16 === 0) output.progress(`run ${at + 1} of ${iters}`, { stage: 'run', done: at + 1, total: iters });
  }
  const { user, system } = process.cpuUsage(before);
  output.progress('');
  times.sort((a, b) => a - b);
  onTimes?.(times);
  return { ...percentiles(times), cpu_ms: (user + system) / 1000 / iters };
}

export function percentiles(sorted: readonly number[]) {
  const at = (part: number): number => percentile(sorted, part);
  return { p50_ms: at(0.5), p90_ms: at(0.9), p99_ms: at(0.99), min_ms: at(0) };
}

export type Latency = Awaited<ReturnType<typeof measure>> & {
  readonly first_ms: number;
  readonly device_ms: number;
  readonly throughput: number;
  readonly adapter: string;
  readonly batch: number;
  readonly iters: number;
};

/** What a run and a sample are called, and what the first run is measured from. */
interface Words {
  readonly run: string;
  readonly sample: string;
  readonly first: string;
  readonly since: string;
}

export function latencyRows(latency: Latency, { run, sample, first, since }: Words): string[][] {
  const { p50_ms, p90_ms, p99_ms, first_ms, device_ms, cpu_ms, throughput, adapter, batch, iters } = latency;
  return [
    ['adapter', adapter],
    ['batch', `${batch}, ${iters} ${run}s`],
    ['p50 / p90 / p99', `${formatMs(p50_ms)} / ${formatMs(p90_ms)} / ${formatMs(p99_ms)}`],
    ['CPU time', `${formatMs(cpu_ms)} a ${run}`],
    ['throughput', `${formatDigits(throughput)} ${sample}/s`],
    [first, `${formatMs(first_ms)} ${since} (device: ${formatMs(device_ms)})`],
  ];
}
