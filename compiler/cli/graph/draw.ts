/** `cnnc inspect --graph`: writes the picture of a model as DOT text or SVG. */
import { writeFile } from 'node:fs/promises';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { systemErrorReason } from '../../../runtime/node/file-access.ts';
import { shownPath } from '../command-line.ts';
import { usageError } from '../failure.ts';
import type { Output } from '../output.ts';
import { keepInputs } from '../require-file.ts';
import { loadModel, parseTarget } from '../source-model.ts';
import { dotOf } from './dot.ts';
import { svgOf } from './svg.ts';

export interface DrawFlags {
  readonly P?: Readonly<Record<string, string>>;
  readonly shape?: Readonly<Record<string, number>>;
  /** File of the picture; standard output where it is not given. */
  readonly output?: string;
}

/** Throws E0001 where `target` is no source, E0723 where the file cannot be written, and what loading throws. */
export async function drawGraph(
  output: Output,
  target: string,
  format: 'svg' | 'dot',
  { P, shape, output: file }: DrawFlags,
): Promise<void> {
  if (!/\.cnn$/i.test(parseTarget(target).file)) {
    throw usageError('--graph draws the models of .cnn files', 'name the source: cnnc inspect FILE.cnn --graph svg');
  }
  if (file !== undefined) await keepInputs('-o', file, [parseTarget(target).file]);
  const dot = dotOf(await loadModel(target, { arguments: P, dims: shape }));
  const text = format === 'dot' ? dot : await svgOf(dot);
  if (file === undefined) {
    output.raw(text);
    return;
  }
  await writeFile(file, text).catch((error: unknown) => {
    throw new RuntimeFault('E0723', 'environment', `cannot write ${file}: ${systemErrorReason(error)}`);
  });
  output.event({ type: 'artifact', path: file, format });
  if (!output.quiet) output.data(`wrote ${shownPath(file)}`);
}
