/** `cnnc init`: a project to start from, which trains on pictures that it generates. */
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { didYouMean } from '../../grammar/suggest.ts';
import { RuntimeFault } from '../../runtime/errors.ts';
import { pathKind, systemErrorReason } from '../../runtime/node/file-access.ts';
import { writeFileAtomically } from '../../runtime/node/write-file.ts';
import { ask, type Terminal } from './ask.ts';
import type { Configure, Context } from './command.ts';
import { exampleFile } from './example-file.ts';
import { exitCodes, usageError, type ExitCode } from './failure.ts';

interface Template {
  readonly summary: string;
  /** What is done with the built model, once there are pictures. */
  readonly use: string;
}

/** By the name of its folder in `examples/starters`. */
export const templates: Readonly<Record<string, Template>> = {
  cifar10: {
    summary: 'a residual network that classifies 32x32 pictures',
    use: 'eval build/net --data cifar-binary:data/cifar-10-batches-bin/test_batch.bin',
  },
  mobilenet: {
    summary: 'depthwise separable convolutions that classify 64x64 pictures',
    use: 'eval build/net --data image-folder:data/pictures',
  },
  unet: {
    summary: 'a U-Net that says what each pixel belongs to',
    use: 'run build/net PICTURE.png --save classes.npy',
  },
};

const list = Object.entries(templates).map(([name, { summary }]) => `${name} (${summary})`);

interface InitFlags {
  readonly template?: string;
  readonly yes?: boolean;
}

export const configureInit: Configure = (command, act) => {
  command
    .argument('[dir]', 'folder of the project', '.')
    .option('--template <name>', Object.keys(templates).join(', '))
    .option('--yes', 'replace files that are there already')
    .addHelpText('after', `\nTemplates: ${list.join('; ')}. They import nothing but std/ and need no data.`)
    .action((folder: string, flags: InitFlags) => act((context) => init(context, folder, flags)));
};

async function init(context: Context, folder: string, { template: given, yes = false }: InitFlags): Promise<ExitCode> {
  const name = given ?? (await chooseTemplate(terminal()));
  if (name === undefined) return exitCodes.interrupted;
  const { output } = context;
  const template = templateOf(name);
  const files = await projectFiles(exampleFile(join('starters', name)), folder);
  const conflicts = files.filter(({ isThere }) => isThere).map(({ path }) => path);
  if (conflicts.length > 0 && !yes) {
    throw usageError(`this would replace ${conflicts.join(', ')}`, 'choose another folder, or replace them with --yes');
  }
  await makeFolder(folder);
  for (const { path, isThere, text } of files) {
    await writeFileAtomically(path, text);
    output.data(`${isThere ? 'replaced' : 'wrote'} ${path}`);
    output.event({ type: 'artifact', path, replaced: isThere });
  }
  const commands = nextCommands(folder, template);
  output.data(`\n${output.style('bold', 'Next')}\n${commands.map((each) => `  ${each}`).join('\n')}`);
  output.event({ type: 'summary', template: name, folder, commands });
  return exitCodes.ok;
}

function templateOf(name: string): Template {
  const template = Object.hasOwn(templates, name) ? templates[name] : undefined;
  if (template) return template;
  throw usageError(
    `there is no template ${name}`,
    didYouMean(name, Object.keys(templates)) ?? `there is ${list.join('; ')}`,
  );
}

/** Undefined off a terminal. Questions go to stderr, as messages do. */
const terminal = (): Terminal | undefined =>
  process.stdin.isTTY && process.stderr.isTTY ? { input: process.stdin, output: process.stderr } : undefined;

/** Asks until there is such a template; undefined where the user gives up. Throws E0001 off a terminal. */
export async function chooseTemplate(on: Terminal | undefined): Promise<string | undefined> {
  const [first = ''] = Object.keys(templates);
  if (!on) throw usageError('no template is named', `give --template NAME; there is ${list.join('; ')}`);
  on.output.write(`${list.join('\n')}\n`);
  for (;;) {
    const answer = await ask(`Template [${first}]: `, on);
    const name = answer?.trim();
    if (name === undefined || name === '') return name === undefined ? undefined : first;
    if (Object.hasOwn(templates, name)) return name;
    on.output.write(`there is no ${name}${closest(name)}\n`);
  }
}

const closest = (name: string): string => {
  const help = didYouMean(name, Object.keys(templates));
  return help === undefined ? '' : `; ${help}`;
};

interface ProjectFile {
  readonly path: string;
  readonly text: Uint8Array;
  /** Whether another file lies there. */
  readonly isThere: boolean;
}

async function projectFiles(from: string, folder: string): Promise<ProjectFile[]> {
  const names = (await readdir(from)).toSorted();
  return Promise.all(
    names.map(async (name) => {
      const path = join(folder, name);
      const text = await readFile(join(from, name));
      return { path, text, isThere: (await pathKind(path)) !== undefined && !(await holds(path, text)) };
    }),
  );
}

/** False as well for what cannot be read: then something else lies there. */
const holds = (path: string, text: Uint8Array): Promise<boolean> =>
  readFile(path).then(
    (found) => found.equals(text),
    () => false,
  );

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new RuntimeFault('E0723', 'environment', `cannot make ${folder}: ${systemErrorReason(error)}`);
  }
}

function nextCommands(folder: string, { use }: Template): string[] {
  const enter =
    folder === '.'
      ? []
      : [`cd ${/^[\w./~-]+$/.test(folder) ? folder : `'${folder.replaceAll("'", String.raw`'\''`)}'`}`];
  return [
    ...enter,
    'npx cnnc train model.cnn',
    'npx cnnc build model.cnn --weights runs/base/best.safetensors -o build/net',
    `npx cnnc ${use}`,
  ];
}
