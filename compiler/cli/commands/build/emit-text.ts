/** `--emit`: stages of a build as text. */
import { parse } from '../../../../grammar/parse.ts';
import { positionAt, type SourceFile } from '../../../../grammar/source.ts';
import type { ModelCompilation } from '../../../driver/compile-model.ts';

/** The syntax tree as JSON; spans are `line:column-line:column`. */
export function emitAst(file: SourceFile): string {
  const place = (offset: number): string => {
    const { line, column } = positionAt(file, offset);
    return `${line}:${column}`;
  };
  const shorten = (key: string, value: unknown): unknown => {
    if (key === 'file') return undefined;
    if (typeof value !== 'object' || value === null || !('start' in value) || !('end' in value)) return value;
    const { start, end } = value;
    return typeof start === 'number' && typeof end === 'number' ? `${place(start)}-${place(end)}` : value;
  };
  return JSON.stringify(parse(file).program, shorten, 2);
}

/** The manifest: for every profile its kernels, steps and memory. */
export const emitPlan = ({ artifact }: ModelCompilation): string => JSON.stringify(artifact.manifest, undefined, 2);

/** Every kernel, each under its file name. */
export const emitWgsl = ({ artifact }: ModelCompilation): string =>
  [...artifact.kernels].map(([file, code]) => `// ${file}\n${code.trimEnd()}\n`).join('\n');
