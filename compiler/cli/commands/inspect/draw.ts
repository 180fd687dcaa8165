/** `cnnc inspect --graph`: writes the picture of a model as DOT text or SVG. */
import { writeFile } from 'node:fs/promises';
import { RuntimeFault } from '../../../../runtime/errors.ts';
import { systemErrorReason } from '../../../../runtime/node/file-access.ts';
import { readArtifact } from '../../../../runtime/node/read-artifact.ts';
import { readStageFolder } from '../../../stages/run/stage-folder.ts';
import { commandLine, shownPath } from '../../command-line.ts';
import { usageError } from '../../../driver/failure.ts';
import type { Output } from '../../output.ts';
import { keepInputs } from '../../../driver/require-file.ts';
import { modelIn, openProject, parseTarget } from '../../../driver/project.ts';
import { dotOf } from './dot.ts';
import { svgOf } from './svg.ts';

export interface DrawFlags {
  readonly P?: Readonly<Record<string, string>>;
  readonly shape?: Readonly<Record<string, number>>;
  /** File of the picture; standard output where it is not given. */
  readonly output?: string;
}

/** An artifact or a stage tells the source that it was made from. */
async function sourceHelp(path: string, format: string): Promise<string> {
  const stage = await readStageFolder(path).catch(() => undefined);
  const artifact = stage ? undefined : await readArtifact(path).catch(() => undefined);
  const [source, model] = stage
    ? [stage.record.source, stage.record.model]
    : [artifact?.manifest.model.source ?? 'FILE.cnn', artifact?.manifest.model.name];
  const named = model === undefined ? source : `${source}:${model}`;
  return `name the source: ${commandLine('cnnc inspect', named, '--graph', format)}`;
}

/** Throws E0001 where `target` is no source, E0723 where the file cannot be written, and what loading throws. */
export async function drawGraph(
  output: Output,
  target: string,
  format: 'svg' | 'dot',
  { P, shape, output: file }: DrawFlags,
): Promise<void> {
  if (!/\.cnn$/i.test(parseTarget(target).file)) {
    const what = '--graph draws what a source declares';
    throw usageError(`${what}, and ${target} is no .cnn file`, await sourceHelp(target, format));
  }
  if (file !== undefined) await keepInputs('-o', file, [parseTarget(target).file]);
  const dot = dotOf(modelIn(await openProject(target), { arguments: P, dims: shape }));
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
