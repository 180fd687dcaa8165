/** The one style of `.cnn` files. */
import { layOut } from './format/build-program.ts';
import { print } from './format/print.ts';
import { parse } from './parse.ts';
import type { SourceFile } from './source.ts';

/** The text in the one style: comments kept, the syntax tree unchanged; undefined where there are syntax errors. */
export function format(file: SourceFile): string | undefined {
  const { program, diagnostics } = parse(file);
  if (diagnostics.some(({ severity }) => severity === 'error')) return undefined;
  return print(layOut(file, program));
}
