/** `cnnc reference`: writes GRAMMAR.svg, docs/std.md and the generated sections of LANGUAGE.md anew, from the compiler's own tables. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { systemErrorReason } from '../../../runtime/node/file-access.ts';
import { preludeOps } from '../../analyze/prelude/prelude.ts';
import type { PreludeOp } from '../../analyze/prelude/prelude-call.ts';
import type { Configure, Context } from '../command.ts';
import { allCodes } from './explain.ts';
import { exitCodes, type ExitCode } from '../../driver/failure.ts';
import { packageFolder } from './init/project-package.ts';
import { budgetTable, directiveSections, unitTable } from './reference/directives.ts';
import { absentNames, argumentTable, layerNames, trainingNames } from './reference/elsewhere.ts';
import { ebnf, grammarRules } from './reference/grammar.ts';
import { libraryPage } from './reference/library.ts';
import { code, markdownTable } from './reference/markdown.ts';
import { railroadSvg } from './reference/railroad.ts';

export const configureReference: Configure = (command, act) => {
  command
    .argument('[file]', 'the reference', 'LANGUAGE.md')
    .action((file: string) => act((context) => reference(context, file)));
};

async function reference({ output }: Context, file: string): Promise<ExitCode> {
  const before = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new RuntimeFault('E0710', 'environment', `cannot read ${file}: ${systemErrorReason(error)}`);
  });
  const after = withGenerated(before);
  const picture = join(dirname(file), 'GRAMMAR.svg');
  await writeFile(picture, railroadSvg(grammarRules()));
  const library = join(dirname(file), 'docs', 'std.md');
  await mkdir(dirname(library), { recursive: true });
  await writeFile(library, libraryPage(join(packageFolder(), 'stdlib')));
  if (after !== before) await writeFile(file, after);
  output.data(`wrote ${picture}, ${library}${after === before ? `; ${file} is up to date` : ` and ${file}`}`);
  output.event({ type: 'summary', file, changed: after !== before });
  return exitCodes.ok;
}

const sections: Readonly<Record<string, () => string>> = {
  layerNames,
  absentNames,
  arguments: argumentTable,
  trainingNames,
  grammar: () => `\`\`\`\n${ebnf(grammarRules())}\n\`\`\``,
  ops: opTable,
  directives: directiveSections,
  budgets: budgetTable,
  units: unitTable,
  diagnostics: () =>
    markdownTable(
      ['code', 'title'],
      [...allCodes].map(([name, title]) => [code(name), title]),
    ),
};

/** The text with every `<!-- generated: NAME -->` ... `<!-- end -->` filled in. Throws for an unknown name. */
export const withGenerated = (text: string): string =>
  text.replaceAll(/<!-- generated: (\w+) -->.*?<!-- end -->/gs, (_, name: string) => {
    const section = Object.hasOwn(sections, name) ? sections[name] : undefined;
    if (!section) throw new RangeError(`there is no generated section ${name}`);
    return `<!-- generated: ${name} -->\n\n${section()}\n\n<!-- end -->`;
  });

function opTable(): string {
  const rows = [...preludeOps.values()].map((op) => [code(signatureOf(op)), op.summary]);
  return markdownTable(['op', 'result'], rows);
}

/** The call as it is written behind `|>`, without the tensor. */
function signatureOf({ name, parameters, variadic, positional }: PreludeOp): string {
  const byPosition = parameters.slice(0, positional);
  const written = parameters
    .filter((parameter) => parameter.name !== 'x')
    .map((parameter) => {
      if (parameter.default === undefined) return `${parameter.name}${byPosition.includes(parameter) ? '' : '=...'}`;
      return parameter.default === '' ? `${parameter.name}=...` : `${parameter.name}=${parameter.default}`;
    });
  const all = [...(variadic ? ['...'] : []), ...written];
  return all.length === 0 ? name : `${name}(${all.join(', ')})`;
}
