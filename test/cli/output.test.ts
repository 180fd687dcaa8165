/** What names from files may do to a terminal: nothing. */
import { styleText } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createOutput } from '../../compiler/cli/output.ts';
import { formatTable, oneLine } from '../../compiler/driver/text.ts';

function written(
  color: 'always' | 'never',
  work: (output: ReturnType<typeof createOutput>) => void,
  env: Readonly<Record<string, string>> = {},
) {
  let [out, err] = ['', ''];
  const output = createOutput({
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text), isTTY: true },
    json: false,
    quiet: false,
    verbose: true,
    color,
    env,
  });
  work(output);
  return { out, err };
}

/** A file may be called so: it breaks the line, turns all behind it red, and clears the screen. */
const name = 'a\n\u001b[31mb\u001b[2J\u009b1m\r.jpg';
const shown = 'a\ufffd\ufffd[31mb\ufffd[2J\ufffd1m\ufffd.jpg';

describe('a name with control characters', () => {
  it.each(['always', 'never'] as const)('is one harmless word in every message, colours %s', (color) => {
    const { out, err } = written(color, (output) => {
      output.data(formatTable([[name, '1']]));
      output.data(oneLine(name));
      output.note(name);
      output.progress(name);
      output.progress('');
    });
    expect(out).toBe(`${shown}  1\n${shown}\n`);
    expect(err).toBe(`${shown}\n${shown}\r\u001b[2K`);
  });

  it('keeps an error in one line, also with -v', () => {
    const failure = { code: 'E0713', message: `cannot decode ${name}: it is empty`, help: name, exit: 3 } as const;
    const { err } = written('never', (output) => output.failure(failure));
    expect(err).toBe(`error[E0713]: cannot decode ${shown}: it is empty\nhelp: ${shown}\n`);
  });

  it('takes no colours from those that the program gives', () => {
    const { out } = written('always', (output) =>
      output.data(`${output.style('bold', oneLine(name))}: ${oneLine(name)}`),
    );
    expect(out).toBe(`${styleText('bold', shown, { validateStream: false })}: ${shown}\n`);
  });
});

it('colours are those of stdout, and absent without', () => {
  expect(written('never', (output) => output.data(output.style('red', 'x'))).out).toBe('x\n');
  expect(written('always', (output) => output.data(output.style('red', 'x\ny'))).out).toBe(
    '\u001b[31mx\ny\u001b[39m\n',
  );
});

it('a dumb terminal has no status line', () => {
  const work = (output: ReturnType<typeof createOutput>): void => {
    output.progress('epoch 1/2');
    output.note('done');
  };
  expect(written('never', work, { TERM: 'dumb' }).err).toBe('done\n');
  expect(written('never', work).err).toBe('epoch 1/2\r\u001b[2Kdone\n');
});
