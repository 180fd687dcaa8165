/** Commands that are printed can be typed: every word reaches the program as it was. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  asCalled,
  commandLine,
  pathWord,
  programName,
  quoted,
  resumeCommand,
  shownPath,
} from '../../compiler/cli/command-line.ts';

describe('words in quotes', () => {
  it('are those that a shell would take apart', () => {
    for (const plain of ['model.cnn', 'runs/base', 'a=b', 'N=1,H=2', './x~', 'image-folder:data']) {
      expect(quoted(plain, 'linux')).toBe(plain);
    }
    expect(quoted('my pictures/a', 'linux')).toBe("'my pictures/a'");
    expect(quoted("it's", 'linux')).toBe(String.raw`'it'\''s'`);
    for (const odd of ['~x', '', 'a;b', '$x', 'a&b', '#1', 'x*', 'a(1)', '[1]'])
      expect(quoted(odd, 'linux')).toBe(`'${odd}'`);
  });

  it('are double ones on Windows, where backslashes part folders', () => {
    expect(quoted(String.raw`C:\data\a.cnn`, 'win32')).toBe(String.raw`C:\data\a.cnn`);
    expect(quoted(String.raw`C:\my data`, 'win32')).toBe(String.raw`"C:\my data"`);
    expect(quoted('a&b', 'win32')).toBe('"a&b"');
    expect(quoted('N=1,H=2', 'win32')).toBe('"N=1,H=2"');
  });

  it('come out of a shell as they went in', () => {
    const words = fc.array(
      fc.string({ unit: 'binary-ascii' }).map((text) => text.replaceAll('\0', '')),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(words, (given) => {
        const script = 'printf "%s\\0" "$@"';
        const line = commandLine(`sh -c '${script}' sh`, ...given);
        const printed = execFileSync('sh', ['-c', line], { encoding: 'utf8' });
        expect(printed.split('\0').slice(0, -1)).toEqual(given);
      }),
      { numRuns: 30 },
    );
  });
});

it('shows paths from the working folder on, where they lie in there', () => {
  expect(shownPath(join(process.cwd(), 'runs', 'base'))).toBe(join('runs', 'base'));
  expect(shownPath(process.cwd())).toBe('.');
  expect(shownPath('/elsewhere/runs')).toBe('/elsewhere/runs');
  expect(shownPath('../beside')).toBe('../beside');
  expect(pathWord('-x y')).toBe("'./-x y'");
});

it('goes on with the same words and --resume, once', () => {
  const argv = ['train', 'my model.cnn', '--set', 'train.lr=0.1'];
  const line = "npx cnnc train 'my model.cnn' --set train.lr=0.1 --resume";
  expect(resumeCommand({ program: 'npx cnnc', argv })).toBe(line);
  expect(resumeCommand({ program: 'npx cnnc', argv: [...argv, '--resume'] })).toBe(line);
});

it('knows how it was called', () => {
  const env = { PATH: '/usr/bin:/usr/local/bin' };
  expect(programName('/srv/a/project/node_modules/.bin/cnnc', env)).toBe('npx cnnc');
  expect(programName(String.raw`C:\a\node_modules\cnnc\dist\compiler\cli\main.js`, {})).toBe('npx cnnc');
  expect(programName('/srv/a/cnnc/dist/compiler/cli/main.js', { npm_command: 'exec' })).toBe('npx cnnc');
  expect(programName('/usr/local/bin/cnnc', env)).toBe('cnnc');
  expect(programName('/opt/my bin/cnnc', env)).toBe("'/opt/my bin/cnnc'");
  expect(programName(join(process.cwd(), 'dist/compiler/cli/main.js'), env)).toBe('node dist/compiler/cli/main.js');
  expect(programName(undefined, env)).toBe('npx cnnc');
});

it.each([
  ['run: cnnc doctor', 'run: node main.js doctor'],
  ['`cnnc eval --data npz:a.npz` measures', '`node main.js eval --data npz:a.npz` measures'],
  ['run npx cnnc train a.cnn', 'run npx cnnc train a.cnn'],
  ['see cnnc --help', 'see node main.js --help'],
  ['this version of cnnc builds my/cnnc build', 'this version of cnnc builds my/cnnc build'],
])('calls the program in "%s" as it was called', (text, called) => {
  expect(asCalled('node main.js', text)).toBe(called);
});
