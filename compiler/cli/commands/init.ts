/** `cnnc init`: a project to start from, which trains on pictures that it generates, or on a folder of pictures. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { didYouMean } from '../../../grammar/suggest.ts';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { pathKind, readBytes, systemErrorReason } from '../../../runtime/node/file-access.ts';
import { writeFileAtomically } from '../../../runtime/node/write-file.ts';
import { ask, type Terminal } from './init/ask.ts';
import type { Configure, Context } from '../command.ts';
import { commandLine, pathWord, shownPath } from '../command-line.ts';
import { exampleFile } from '../example-file.ts';
import { exitCodes, usageError, type ExitCode } from '../../driver/failure.ts';
import { dependencyOn, dependsOnCnnc, isInstalledFor, packageFolder, projectPackage } from './init/project-package.ts';

/** What each folder in `examples/starters` is, by its name. */
export const templates: Readonly<Record<string, string>> = {
  cifar10: 'a residual network that classifies 32x32 pictures',
  mobilenet: 'depthwise separable convolutions that classify 64x64 pictures',
  unet: 'a U-Net that says what each pixel belongs to',
};

const names = Object.keys(templates);
const list = Object.entries(templates).map(([name, summary]) => `${name} (${summary})`);

interface InitFlags {
  readonly template?: string;
  readonly data?: string;
  readonly yes?: boolean;
}

export const configureInit: Configure = (command, act) => {
  command
    .argument('[dir]', 'folder of the project', '.')
    .option('--data <folder>', 'a network and a training for the pictures in this folder, a folder a class')
    .option('--template <name>', `${Object.keys(templates).join(', ')}; trains on pictures that it generates`)
    .option('--yes', 'replace files that are there already')
    .addHelpText(
      'after',
      `\nTemplates, which import nothing but std/ and need no data:\n  ${list.join('\n  ')}\n\n` +
        'With --data, sizes, classes and amounts are looked at, and model.cnn is written\n' +
        'for them; nothing is copied. A package.json that depends on this cnnc is written\n' +
        'where there is none.',
    )
    .action((folder: string, flags: InitFlags) => act((context) => init(context, folder, flags)));
};

/** A file of the project, not yet written. */
export interface NewFile {
  readonly name: string;
  readonly text: string | Uint8Array;
}

async function init(context: Context, folder: string, flags: InitFlags): Promise<ExitCode> {
  const { output } = context;
  if (flags.data !== undefined && flags.template !== undefined) {
    throw usageError('--data and --template each write a model.cnn', 'give one of them');
  }
  let files: readonly NewFile[];
  let name: string | undefined;
  if (flags.data === undefined) {
    name = flags.template ?? (await chooseTemplate(terminal(), (text) => output.note(text)));
    if (name === undefined) return exitCodes.interrupted;
    files = await templateFiles(name);
  } else {
    const { projectFor } = await import('./init/data.ts');
    // As `eval` and `data` are given it.
    const made = await projectFor(flags.data.replace(/^image-folder:(?=.)/, ''), folder);
    output.data(made.summary);
    files = [{ name: 'model.cnn', text: made.source }];
  }
  await writeProject(context, folder, [...files, ...packageFile(folder)], flags.yes ?? false);
  const commands = nextCommands(folder);
  output.data(`\n${output.style('bold', 'Next')}\n${commands.map((each) => `  ${each}`).join('\n')}`);
  output.event({ type: 'summary', template: name, data: flags.data, folder, commands });
  return exitCodes.ok;
}

async function templateFiles(name: string): Promise<NewFile[]> {
  if (!Object.hasOwn(templates, name)) {
    const help = didYouMean(name, names) ?? `there is ${list.join('; ')}`;
    throw usageError(`there is no template ${name}`, help);
  }
  const from = exampleFile(join('starters', name));
  const written = (await readdir(from)).toSorted();
  return Promise.all(written.map(async (each) => ({ name: each, text: await readFile(join(from, each)) })));
}

/** A `package.json` that is there stays as it is. */
const packageFile = (folder: string): NewFile[] =>
  dependsOnCnnc(join(folder, 'package.json')) === undefined
    ? [{ name: 'package.json', text: projectPackage(folder) }]
    : [];

async function writeProject(
  { output }: Context,
  folder: string,
  files: readonly NewFile[],
  mayReplace: boolean,
): Promise<void> {
  const placed = await Promise.all(
    files.map(async ({ name, text }) => {
      const path = join(folder, name);
      const isThere = (await pathKind(path)) !== undefined && !(await holds(path, text));
      return { path, text, isThere };
    }),
  );
  const conflicts = placed.filter(({ isThere }) => isThere).map(({ path }) => shownPath(path));
  if (conflicts.length > 0 && !mayReplace) {
    throw usageError(`this would replace ${conflicts.join(', ')}`, 'choose another folder, or replace them with --yes');
  }
  await makeFolder(folder);
  for (const { path, isThere, text } of placed) {
    await writeFileAtomically(path, typeof text === 'string' ? Buffer.from(text) : text);
    output.data(`${isThere ? 'replaced' : 'wrote'} ${shownPath(path)}`);
    output.event({ type: 'artifact', path, replaced: isThere });
  }
}

/** Undefined off a terminal. Questions go to stderr, as messages do. */
const terminal = (): Terminal | undefined =>
  process.stdin.isTTY && process.stderr.isTTY ? { input: process.stdin, output: process.stderr } : undefined;

/** Asks until there is such a template; undefined where the user gives up. Off a terminal it is the first, which is told. */
export async function chooseTemplate(
  on: Terminal | undefined,
  tell: (text: string) => void,
): Promise<string | undefined> {
  const [first = ''] = names;
  if (!on) {
    tell(`no template is named: this is ${list[0]}; others by --template: ${names.slice(1).join(', ')}`);
    return first;
  }
  on.output.write(list.map((line, at) => `${at + 1}. ${line}\n`).join(''));
  for (;;) {
    const answer = await ask(`Template [${first}]: `, on);
    const name = answer?.trim();
    if (name === undefined || name === '') return name === undefined ? undefined : first;
    const chosen = names[Number(name) - 1] ?? name;
    if (Object.hasOwn(templates, chosen)) return chosen;
    on.output.write(`there is no ${name}${closest(name)}\n`);
  }
}

const closest = (name: string): string => {
  const help = didYouMean(name, names);
  return help === undefined ? '' : `; ${help}`;
};

/** False as well for what cannot be read: then something else lies there. */
const holds = (path: string, text: string | Uint8Array): Promise<boolean> =>
  readBytes(path).then(
    (found) => Buffer.from(text).equals(found),
    () => false,
  );

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new RuntimeFault('E0723', 'environment', `cannot make ${folder}: ${systemErrorReason(error)}`);
  }
}

/** Each on a line of its own, since not every shell joins commands alike. */
function nextCommands(folder: string): string[] {
  const enter = folder === '.' ? [] : [`cd ${pathWord(folder)}`];
  const isNamed = dependsOnCnnc(join(folder, 'package.json')) === true;
  const install = isNamed ? 'npm install' : commandLine('npm install', dependencyOn(packageFolder(), folder));
  return [
    ...enter,
    ...(isInstalledFor(folder) ? [] : [install]),
    'npx cnnc train model.cnn',
    'npx cnnc build model.cnn:base',
    'npx cnnc eval build/base --data model.cnn:pictures.val',
  ];
}
