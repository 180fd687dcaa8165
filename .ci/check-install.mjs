/**
 * Packs this package, installs the tarball in an empty folder elsewhere, and uses it there as a newcomer would: version,
 * `init`, `check`, what README writes in TypeScript, and a project of its own that installs what `init` wrote. Needs the
 * registry, or npm's cache, for the packages that cnnc depends on.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const onWindows = process.platform === 'win32';
/** Settings of the npm that runs this are for this package, not for the folders below. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|INIT_CWD$)/.test(name)));

const say = (text) => process.stdout.write(`${text}\n`);

function run(folder, program, ...words) {
  say(`> ${[program, ...words].join(' ')}`);
  const quoted = onWindows ? words.map((word) => (/[\s&()]/.test(word) ? `"${word}"` : word)) : words;
  return execFileSync(program, quoted, {
    cwd: folder,
    env,
    encoding: 'utf8',
    shell: onWindows,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

function expect(condition, what) {
  if (condition) return;
  throw new Error(what);
}

const home = mkdtempSync(join(tmpdir(), 'cnnc-install-'));
try {
  run(process.cwd(), 'npm', 'pack', '--silent', '--pack-destination', home);
  const [tarball] = readdirSync(home).filter((name) => name.endsWith('.tgz'));
  expect(tarball, 'npm pack made a tarball');
  const bytes = statSync(join(home, tarball)).size;
  say(`${tarball}: ${(bytes / 2 ** 20).toFixed(2)} MiB`);
  expect(bytes < 3 * 2 ** 20, 'the tarball is smaller than 3 MiB');

  const first = join(home, 'an empty folder');
  const install = ['install', '--prefer-offline', '--no-audit', '--no-fund', '--silent'];
  run(home, 'node', '-e', 'fs.mkdirSync(process.argv[1])', first);
  run(first, 'npm', ...install, join(home, tarball));
  const installed = join(first, 'node_modules', 'cnnc');
  for (const name of ['docs', 'examples', 'stdlib', 'README.md', 'LANGUAGE.md', 'TOUR.md', 'dist']) {
    expect(existsSync(join(installed, name)), `${name} is in the package`);
  }
  const { version } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
  expect(run(first, 'npx', 'cnnc', '--version').trim() === version, 'npx cnnc --version tells the version');
  const pages = readdirSync(installed, { recursive: true }).filter(
    (name) => name.endsWith('.md') && !name.startsWith('node_modules'),
  );
  expect(pages.length > 5, 'the package has its documentation');
  for (const page of pages) {
    const links = [...readFileSync(join(installed, page), 'utf8').matchAll(/\]\(([^):#]+)(#[^)]*)?\)/g)];
    for (const [, path] of links) expect(existsSync(join(installed, page, '..', path)), `${page} leads to ${path}`);
  }

  const readme = readFileSync(join(installed, 'README.md'), 'utf8');
  const snippets = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code], index) => [
    `snippet-${index}.mts`,
    code,
  ]);
  expect(snippets.length > 0, 'README.md has TypeScript');
  for (const [name, code] of snippets) writeFileSync(join(first, name), code);
  const compiler = join(process.cwd(), 'node_modules', 'typescript', 'bin', 'tsc');
  const strict = ['--strict', '--outDir', 'compiled', '--module', 'nodenext', '--target', 'es2023', '--types', ''];
  run(first, 'node', compiler, '--ignoreConfig', ...strict, ...snippets.map(([name]) => name));
  const [training] = snippets.filter(([, code]) => code.includes('runStages'));
  expect(training, 'README.md has a program that trains');
  const figures = run(first, 'node', join('compiled', training[0].replace('.mts', '.mjs')));
  expect(/deploy .*'?params'?: \d+/s.test(figures), 'the program tells the figures of what it trained');
  const artifact = JSON.parse(readFileSync(join(first, 'build', 'deploy', 'manifest.json'), 'utf8'));
  expect(artifact.stage?.name === 'deploy' && artifact.budgets?.length === 1, 'it wrote a whole artifact');

  // Inside of the folder: found from there. Beside it: installs what its package.json names.
  for (const project of [join(first, 'inside'), join(home, 'beside it')]) {
    const said = run(first, 'npx', 'cnnc', 'init', project, '--template', 'mobilenet');
    const next = said
      .slice(said.indexOf('Next'))
      .split('\n')
      .map((line) => line.trim());
    const needsInstall = next.includes('npm install');
    expect(needsInstall === project.endsWith('it'), 'init asks for an install where one is needed');
    if (needsInstall) run(project, 'npm', ...install);
    expect(/Net +[\d,]+/.test(run(project, 'npx', 'cnnc', 'check', 'model.cnn')), 'the project checks');
  }
  say('the package installs and works');
} finally {
  rmSync(home, { recursive: true, force: true });
}
