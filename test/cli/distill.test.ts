/** `cnnc train` of a distill directive: teachers from stages and from files, hints, and what is refused. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeSafetensors, parseSafetensors } from '../../runtime/files/safetensors.ts';
import { cnnc, eventsOf } from './cnnc.ts';

const models = `
model Net(image: f32[N, 3, 16, 16], width: int = 4) -> f32[N, 2] {
  return image
    |> conv1: conv(width, k=3, stride=2, bias=false) |> bn1: bn |> relu
    |> global_avg_pool |> flatten |> fc: linear(2)
}
dataset shapes {
  format = "synthetic"  samples = 48  size = 16px  classes = 2
  split { train = 40  val = 8 }
}
train large for Net {
  data = shapes  batch = 8  seed = 3
  loss = cross_entropy()
  optimizer = sgd(lr=0.05, momentum=0.9)
}
`;
const distill = (settings: string): string =>
  `${models}distill taught for Net { data = shapes  batch = 8  optimizer = sgd(lr=0.05) ${settings} }\n`;

let folder = '';
const at = (...names: readonly string[]): string => join(folder, ...names);
const write = (name: string, text: string): string => {
  writeFileSync(at(name), text);
  return at(name);
};

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnc-distill-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const recordsOf = (run: string): { readonly type: string; readonly values: Readonly<Record<string, number>> }[] =>
  readFileSync(at(run, 'metrics.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; values: Record<string, number> });

describe('a distillation', () => {
  it('trains its teacher first, then the student, and does neither twice', async () => {
    const file = write('stage.cnn', distill('teacher = large  temperature = 3  alpha = 0.7'));
    const ran = await cnnc('train', file, '-o', at('runs'), '--json');
    expect([ran.code, ran.code === 0 ? '' : ran.err]).toEqual([0, '']);
    const made = eventsOf(ran).filter(({ type }) => type === 'artifact');
    expect(made.map(({ stage, cached }) => [stage, cached])).toEqual([
      ['large', false],
      ['taught', false],
    ]);
    const [epoch] = recordsOf('runs/taught').filter(({ type }) => type === 'epoch');
    expect(Object.keys(epoch?.values ?? {})).toEqual(
      expect.arrayContaining(['train.loss', 'train.label_loss', 'train.accuracy', 'val.loss']),
    );
    expect(recordsOf('runs/large')[0]?.values).not.toHaveProperty('train.label_loss');
    const again = await cnnc('train', file, '-o', at('runs'), '--json');
    expect(eventsOf(again).flatMap(({ type, cached }) => (type === 'artifact' ? [cached] : []))).toEqual([true, true]);
    write('stage.cnn', readFileSync(file, 'utf8').replace('seed = 3', 'seed = 4'));
    const changed = await cnnc('train', `${file}:taught`, '-o', at('runs'), '--json');
    expect(changed.code).toBe(0);
    const remade = eventsOf(changed).flatMap(({ type, cached }) => (type === 'artifact' ? [cached] : []));
    expect(remade).toEqual([false, false]);
    expect(changed.out + changed.err).toContain('taught runs again: the teacher changed');
  });

  it('takes a teacher of another width from a file, and keeps the projections of hints to itself', async () => {
    const wide = write('wide.cnn', models);
    expect((await cnnc('train', wide, '-o', at('wide'), '-P', 'width=6')).code).toBe(0);
    const settings = 'teacher = Net(width=6) @ "wide/best.safetensors"  hints = [("bn1", "bn1")]  hint_weight = 0.5';
    const ran = await cnnc('train', write('hints.cnn', distill(settings)) + ':taught', '-o', at('hinted'));
    expect([ran.code, ran.code === 0 ? '' : ran.err]).toEqual([0, '']);
    const { tensors } = parseSafetensors(readFileSync(at('hinted', 'best.safetensors')));
    expect(tensors.get('conv1.weight')?.shape).toEqual([4, 3, 3, 3]);
    expect([...tensors.keys()].filter((name) => name.startsWith('hints'))).toEqual([]);
  });
});

describe('classes of a teacher', () => {
  /** The weights of a network as those of one that scores its two classes the other way round, under these names. */
  function turned(file: string, names: readonly string[]): Uint8Array {
    const { tensors } = parseSafetensors(readFileSync(file));
    const swapped = [...tensors].map(([name, stored]) => {
      if (!name.startsWith('fc.')) return [name, stored] as const;
      const half = stored.bytes.length / 2;
      const bytes = Uint8Array.from([...stored.bytes.subarray(half), ...stored.bytes.subarray(0, half)]);
      return [name, { ...stored, bytes }] as const;
    });
    return encodeSafetensors(new Map(swapped), new Map([['class_names', JSON.stringify(names)]]));
  }
  const taughtBy = (teacher: string) => `teacher = Net @ "${teacher}"  temperature = 2  alpha = 0.9`;

  it('are matched by name with those of the student', async () => {
    const large = write('large.cnn', models);
    expect((await cnnc('train', large, '-o', at('named'))).code).toBe(0);
    const best = at('named', 'best.safetensors');
    expect(parseSafetensors(readFileSync(best)).metadata.get('class_names')).toBe('["circle","square"]');
    writeFileSync(at('turned.safetensors'), turned(best, ['square', 'circle']));
    writeFileSync(at('other.safetensors'), turned(best, ['Square', 'circle']));
    const values: unknown[] = [];
    for (const [run, teacher] of [
      ['straight', 'named/best.safetensors'],
      ['crossed', 'turned.safetensors'],
    ] as const) {
      const ran = await cnnc('train', `${write(`${run}.cnn`, distill(taughtBy(teacher)))}:taught`, '-o', at(run));
      expect([ran.code, ran.code === 0 ? '' : ran.err]).toEqual([0, '']);
      values.push(
        recordsOf(run)
          .filter(({ type }) => type === 'step')
          .map((each) => each.values['train.loss']),
      );
    }
    expect(values[0]).not.toEqual([]);
    expect(values[1]).toEqual(values[0]);
    const refused = await cnnc(
      'train',
      `${write('o.cnn', distill(taughtBy('other.safetensors')))}:taught`,
      '-o',
      at('o'),
    );
    expect(refused).toMatchObject({
      code: 3,
      err: expect.stringContaining('only the teacher has the class Square; only Net has square'),
    });
  });
});

describe('a teacher that cannot teach', () => {
  it.each([
    ['has no file', 'teacher = Net(width=6) @ "nowhere.safetensors"', 'error[E0701]', 'refused.cnn:16:102'],
    ['names no layer', 'teacher = large  hints = [("bn7", "bn1")]', 'error[E0605]', 'nothing is computed under `bn7`'],
  ])('%s', async (_, settings, code, message) => {
    const file = write('refused.cnn', distill(settings));
    const ran = await cnnc('train', `${file}:taught`, '-o', at('refused'));
    expect(ran.code).toBe(1);
    expect(ran.err).toContain(code);
    expect(ran.err).toContain(message);
  });

  it('is found by cnnc check', async () => {
    const file = write('checked.cnn', distill('teacher = large  hints = [("bn7", "bn1")]'));
    const ran = await cnnc('check', file);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain('nothing is computed under `bn7` of the student');
    expect((await cnnc('check', write('sound.cnn', distill('teacher = large  hints = [("bn1", "bn1")]')))).code).toBe(
      0,
    );
  });
});
