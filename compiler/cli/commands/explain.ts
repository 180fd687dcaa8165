/** `cnnc explain`: what a code means. */
import { catalogue } from '../../../grammar/diagnostics.ts';
import { didYouMean } from '../../../grammar/suggest.ts';
import { runtimeCodes } from '../../../runtime/errors.ts';
import { codeExamples } from './explain/code-examples.ts';
import type { Configure, Context } from '../command.ts';
import { explanations, families } from './explain/explanations.ts';
import { commandCodes, exitCodes, usageError, type ExitCode } from '../../driver/failure.ts';

export const configureExplain: Configure = (command, act) => {
  command
    .argument('[code]', 'as in E0305; all codes where none is given')
    .action((code: string | undefined) => act((context) => explain(context, code)));
};

/** Every code of grammar, runtime and command line with its title, in order. */
export const allCodes: ReadonlyMap<string, string> = new Map(
  [
    ...Object.entries(catalogue).map(([code, { title }]): [string, string] => [code, title]),
    ...Object.entries(runtimeCodes),
    ...Object.entries(commandCodes).map(([code, { title }]): [string, string] => [code, title]),
  ].toSorted(([a], [b]) => (a < b ? -1 : 1)),
);

function explain({ output }: Context, wanted: string | undefined): ExitCode {
  if (wanted === undefined) {
    for (const [code, title] of allCodes) {
      output.data(`${code}  ${title}`);
      output.event({ type: 'metric', kind: 'code', code, title });
    }
    return exitCodes.ok;
  }
  const code = wanted.toUpperCase();
  const title = allCodes.get(code);
  if (title === undefined) {
    throw usageError(
      `there is no code ${wanted}`,
      didYouMean(code, allCodes.keys()) ?? '`cnnc explain` lists them all',
    );
  }
  const text = textOf(code);
  const example = codeExamples[code];
  const programs = example ? `\n\nWrong:\n\n${indented(example.wrong)}\n\nRight:\n\n${indented(example.right)}` : '';
  output.data(`${output.style('bold', `${code}: ${title}`)}\n\n${text}${programs}`);
  output.event({ type: 'summary', code, title, text, ...example });
  return exitCodes.ok;
}

const indented = (program: string): string => program.trimEnd().replaceAll(/^(?=.)/gm, '    ');

/** What the code's family is about, then what is known of the code itself. */
function textOf(code: string): string {
  const family = families.find(({ prefix }) => code.startsWith(prefix))?.text;
  return [explanations[code], family].filter((text) => text !== undefined).join('\n\n');
}
