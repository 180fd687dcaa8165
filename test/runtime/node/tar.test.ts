import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { readTar } from '../../../runtime/node/device/tar.ts';
import { faultOf } from '../fault.ts';

/** One entry with a right checksum. */
function entry(name: string, data: string, type = '0', size = data.length): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write('0000644\0', 100);
  header.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([header, Buffer.from(data.padEnd(Math.ceil(data.length / 512) * 512, '\0'))]);
}

const end = Buffer.alloc(1024);
const archive = (...entries: Buffer[]) => Buffer.concat([...entries, end]);

describe('readTar', () => {
  it('reads files and skips folders', () => {
    const files = readTar(archive(entry('./a', 'one'), entry('d/', '', '5'), entry('d/b', 'x'.repeat(600))), 'x.tar');
    expect(files.map(({ name, mode, bytes }) => [name, mode, bytes.length])).toEqual([
      ['a', 0o644, 3],
      ['d/b', 0o644, 600],
    ]);
  });

  const changed = archive(entry('a', 'one'));
  changed[0] = 'b'.charCodeAt(0);
  it.each<[string, Buffer, string]>([
    ['an archive without end', entry('a', 'one'), 'in the middle of a header'],
    ['a changed header', changed, 'checksum'],
    ['a size beyond the end', archive(entry('a', 'x', '0', 8 ** 9)), 'runs past the end'],
    ['a symbolic link', archive(entry('a', '', '2')), 'neither a file nor a folder'],
    ['a name that climbs', archive(entry('../a', 'x')), 'leaves the folder'],
    ['an absolute name', archive(entry('/a', 'x')), 'leaves the folder'],
  ])('refuses %s', (_, bytes, message) => {
    expect(faultOf(() => readTar(bytes, 'x.tar'))).toContain(message);
  });

  it('throws nothing but faults', () => {
    const good = archive(entry('a', 'one'), entry('b', 'two'));
    const edits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(edits, fc.nat(good.length), (changes, length) => {
        const broken = Buffer.from(good.subarray(0, length));
        for (const [at, value] of changes) if (at < length) broken[at] = value;
        try {
          readTar(broken, 'x');
        } catch (error) {
          if (!(error instanceof RuntimeFault)) throw error;
        }
      }),
    );
  });
});
