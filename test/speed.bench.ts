/** `npm run bench`: times of what must not grow faster than its input. They are printed, for people to judge. */
import { bench, describe } from 'vitest';
import { randomTensor } from '../compiler/ir/tensor-literal.ts';
import { mul } from '../compiler/ops/index.ts';
import { diagnostic } from '../grammar/diagnostics.ts';
import { parse } from '../grammar/parse.ts';
import { renderDiagnostic } from '../grammar/render.ts';
import { RuntimeFault } from '../runtime/errors.ts';
import { parseNpy } from '../runtime/files/npy.ts';
import { parseSafetensors } from '../runtime/files/safetensors.ts';
import { check } from './analyze/memory-host.ts';
import { corrupt, randomNumbers } from './grammar/corruption.ts';
import { filesBelow, readText } from './source-tree.ts';

/** Few and whole runs: most of these take tenths of a second and more. */
const options = { time: 0, iterations: 3, warmupTime: 0, warmupIterations: 1, throws: true };
const measure = (name: string, work: () => unknown): void =>
  bench(
    name,
    () => {
      work();
    },
    options,
  );

/** Lets the fault that is expected pass. */
function refused(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (error instanceof RuntimeFault) return;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('check', () => {
  const block = (index: number): string => `
## Block ${index} of many.
block unit${index}(x: f32[N, C, H, W], out: int, stride: int = 1) -> f32[N, out, ceil(H / stride), ceil(W / stride)] {
  const hidden = C * 4
  let y = x
    |> conv1: conv(hidden, k=1, bias=false) |> bn1: bn |> relu
    |> conv2: conv(out, k=3, stride=stride) |> bn2: bn # the second
  return if stride == 1 && C == out then relu(x + y) else y
}
`;
  for (const lines of [15_000, 30_000, 60_000]) {
    const text = Array.from({ length: lines / 9 }, (_, index) => block(index)).join('');
    measure(`${lines} lines`, () => check(text));
  }
  const examples = filesBelow('examples').filter((path) => path.endsWith('.cnn'));
  for (const path of examples) {
    const text = readText(path);
    measure(path, () => check(text));
  }
  const random = randomNumbers(1);
  const damaged = Array.from(
    { length: 200 },
    (_, index) => corrupt(readText(examples[index % examples.length] ?? ''), random).text,
  );
  measure('200 examples with a token corrupted', () => damaged.forEach((text) => check(text)));
});

describe('parse', () => {
  for (const unit of ['(', ')', '(]', 'let ', 'if ', '"\n', '##\n', 'a{b:} ', '\0', '1_']) {
    const text = unit.repeat(Math.floor(500_000 / unit.length));
    measure(`half a megabyte of ${JSON.stringify(unit)}`, () => parse({ path: 'soup.cnn', text }));
  }
});

describe('render', () => {
  const text = `${'a '.repeat(2_000_000)}bad`;
  const span = { file: { path: 'a.cnn', text }, start: text.length - 3, end: text.length };
  const fault = diagnostic('E0110', span, 'no');
  measure('a fault behind four megabytes on its line', () => renderDiagnostic(fault, { color: false }));
});

describe('headers made to take time', () => {
  const npyOf = (header: string): Uint8Array => {
    const file = new Uint8Array(12 + header.length);
    file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 2, 0]);
    new DataView(file.buffer).setUint32(8, header.length, true);
    file.set(new TextEncoder().encode(header), 12);
    return file;
  };
  for (const filler of [' '.repeat(60_000), '('.repeat(60_000), "'descr':".repeat(7000), '0 ,'.repeat(20_000)]) {
    const file = npyOf(`{'shape': (${filler}`);
    measure(`npy: ${JSON.stringify(filler.slice(0, 8))}...`, () => refused(() => parseNpy(file)));
  }
  const safetensorsOf = (header: string): Uint8Array => {
    const text = new TextEncoder().encode(header);
    const file = new Uint8Array(8 + text.length);
    new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
    file.set(text, 8);
    return file;
  };
  for (const header of [`{"${'a'.repeat(4e6)}`, `{"${'\\"'.repeat(2e6)}`, `{"${'a'.repeat(4e6)}":1}`]) {
    const file = safetensorsOf(header);
    measure(`safetensors: ${header.slice(0, 8)}...`, () => refused(() => parseSafetensors(file)));
  }
});

describe('evaluate', () => {
  const weight = randomTensor([512, 512, 3, 3], 1);
  const scale = randomTensor([512, 1, 1, 1], 2);
  measure('two million weights times a factor a filter', () => mul.evaluate([weight, scale], {}));
});
