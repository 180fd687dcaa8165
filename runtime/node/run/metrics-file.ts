/** The figures of a run as they come: `metrics.jsonl`, one JSON object a line. */
import { open } from 'node:fs/promises';
import * as v from 'valibot';
import { RuntimeFault } from '../../errors.ts';
import type { Confusion } from '../../train/loop/metrics.ts';
import { recordSchema, type TrainingState } from '../../train/training-state.ts';
import { pathKind, readText, systemErrorReason } from '../file-access.ts';
import { writeFileAtomically } from '../write-file.ts';

const mistakeSchema = v.object({
  position: v.number(),
  label: v.number(),
  predicted: v.number(),
  probability: v.number(),
});

/** `confusion` has a row a label and a column a prediction, and is left out where there are many classes. */
const lineSchema = v.variant('type', [
  v.object({ type: v.literal('step'), ...recordSchema.entries }),
  v.object({
    type: v.literal('epoch'),
    ...recordSchema.entries,
    best: v.boolean(),
    confusion: v.optional(v.array(v.array(v.number()))),
    mistakes: v.optional(v.array(mistakeSchema)),
  }),
  v.object({ type: v.literal('rollback'), step: v.number(), count: v.number(), lrScale: v.number() }),
  v.object({
    type: v.literal('end'),
    step: v.number(),
    ended: v.picklist(['finished', 'early-stop', 'interrupted', 'failed']),
    restoredEpoch: v.optional(v.number()),
  }),
]);
export type MetricsLine = v.InferOutput<typeof lineSchema>;

export interface MetricsFile {
  /** What the file holds now. */
  readonly lines: readonly MetricsLine[];
  append(line: MetricsLine): Promise<void>;
  /** Drops what a state at this position does not know. */
  cutBack(to: Position): Promise<void>;
  /** Resolves when every line is safely on the disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** Where a run stands: steps that are done, and epochs that are done and evaluated. */
export type Position = Pick<TrainingState, 'step' | 'epoch'>;

/** Opens the file, cut back to the lines that a state at this position knows. Throws E0710 and E0723. */
export async function openMetricsFile(path: string, position: Position): Promise<MetricsFile> {
  let lines = linesUpTo(await readLines(path), position);
  const reopen = async () => {
    await writeFileAtomically(path, lines.map(textOf).join(''));
    return writing(path, () => open(path, 'a'));
  };
  let handle = await reopen();
  return {
    get lines() {
      return lines;
    },
    async append(line) {
      lines.push(line);
      await writing(path, () => handle.appendFile(textOf(line)));
    },
    async cutBack(to) {
      lines = linesUpTo(lines, to);
      await handle.close();
      handle = await reopen();
    },
    sync: () => writing(path, () => handle.sync()),
    close: () => handle.close(),
  };
}

const textOf = (line: MetricsLine): string => `${JSON.stringify(line)}\n`;

/** Records say what led to a step, a rollback what happened after it; a run that goes on has no end. */
function linesUpTo(lines: readonly MetricsLine[], { step, epoch }: Position): MetricsLine[] {
  return lines.filter((line) => {
    switch (line.type) {
      case 'step':
        return line.step <= step;
      case 'epoch':
        return line.epoch <= epoch;
      case 'rollback':
        return line.step < step;
      case 'end':
        return false;
    }
  });
}

/** A line that a kill has cut off, or that something else has written, is none. */
async function readLines(path: string): Promise<readonly MetricsLine[]> {
  const text = (await pathKind(path)) === undefined ? '' : await readText(path);
  return text.split('\n').flatMap((line) => {
    try {
      const parsed = v.safeParse(lineSchema, JSON.parse(line));
      return parsed.success ? [parsed.output] : [];
    } catch {
      return [];
    }
  });
}

async function writing<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw new RuntimeFault('E0723', 'environment', `cannot write ${path}: ${systemErrorReason(error)}`);
  }
}

/** Rows of a confusion matrix, and back. */
export const rowsOf = ({ classes, counts }: Confusion): number[][] =>
  Array.from({ length: classes }, (_, at) => [...counts.subarray(at * classes, (at + 1) * classes)]);

export const fromRows = (rows: readonly (readonly number[])[]): Confusion => ({
  classes: rows.length,
  counts: Float64Array.from(rows.flat()),
});
