/** `cnnc eval` of a model that scores pixels, on the masks that its source declares. */
import { expect, it } from 'vitest';
import { encodeSafetensors } from '../../runtime/files/safetensors.ts';
import { fromFloat32 } from '../../runtime/files/stored-tensor.ts';
import { greyPng } from '../runtime/node/png.ts';
import { built, cnnc, eventsOf, plainPng, workshop, type Line, type Ran } from './cnnc.ts';

const source = (size = '4') => `
model Paint(image: f32[N, 3, ${size}, ${size}], classes: int = 3) -> f32[N, classes, ${size}, ${size}] {
  return image |> score: conv(classes, k=1, bias=false)
}
dataset painted {
  format  = "image-mask-folder"
  images  = "pictures/*.png"
  masks   = "masks/*.png"
  classes = 3
  ignore  = 9
  split { train = 2 }
}
dataset listed { format = "image-folder"  path = "pictures"  labels = "list.txt"  classes = 3  split { train = 2 } }
dataset shapes { format = "synthetic"  samples = 8  size = 8  classes = 4  split { train = 6  val = 2 } }
budget for Paint { val.mean_iou >= 50% }
`;

/** A row of ones, a row that does not count, two rows of zeros. */
const rows = Array.from({ length: 16 }, (_, at) => (at < 4 ? 1 : at < 8 ? 9 : 0));
const mask = (width: number, values: readonly number[]) => greyPng({ width, height: width, values });
/** Red scores class 0, green 1, blue 2. */
const identity = encodeSafetensors(
  new Map([['score.weight', fromFloat32(Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), [3, 3, 1, 1])]]),
);
/** The budget's diagnostic follows the summary. */
const figuresOf = (ran: Ran): Line | undefined => eventsOf(ran).find(({ type }) => type === 'summary');
const red = plainPng([200, 10, 10]);
async function paintShop(size?: string) {
  const shop = workshop({
    'paint.cnn': source(size),
    'identity.safetensors': identity,
    'pictures/a.png': red,
    'pictures/b.png': red,
    'list.txt': 'a.png 0\nb.png 0\n',
    'masks/a.png': mask(4, rows),
    'masks/b.png': mask(
      4,
      rows.map(() => 0),
    ),
  });
  const artifact = await built(shop, 'paint.cnn', '--weights', shop.at('identity.safetensors'));
  const evaluate = (data: string, ...flags: readonly string[]) =>
    cnnc('eval', artifact, '--data', data.replace('FOLDER', shop.folder), ...flags);
  return { shop, evaluate };
}

it('counts pixels that count, and holds the budget against them', async () => {
  const { evaluate } = await paintShop();
  const ran = await evaluate('FOLDER/paint.cnn:painted', '--json');
  // 24 pixels of class 0 and 4 of class 1, all said to be 0; class 2 is nowhere.
  const figures = { mean_iou: (24 / 28 + 0) / 2, pixel_accuracy: 24 / 28, dice: (48 / 52 + 0) / 2 };
  expect(figuresOf(ran)).toMatchObject({ ...figures, samples: 2 });
  const classes = eventsOf(ran).filter(({ kind }) => kind === 'class');
  expect(classes.map(({ iou }) => iou)).toEqual([24 / 28, 0, null]);
  expect(ran).toMatchObject({ code: 4, err: expect.stringContaining('val.mean_iou >= 50%') });
  expect((await evaluate('FOLDER/paint.cnn:painted.train', '--batch', '1')).out).toMatch(
    /^mean IoU 42\.86%, pixel accuracy 85\.71%, Dice 46\.15%, [^]*\nclass 0 +24 +85\.7% +100\.0% +0\.857\n/,
  );
});

it('takes pictures of any size where the model does', async () => {
  const { evaluate } = await paintShop('S');
  const ran = await evaluate('FOLDER/paint.cnn:painted', '--json');
  expect(figuresOf(ran)).toMatchObject({ pixel_accuracy: 24 / 28 });
});

it.each([
  ['a dataset that is not declared', 'FOLDER/paint.cnn:other', 2, /declares no dataset other\nhelp: .*painted/],
  ['a split that is none', 'FOLDER/paint.cnn:painted.best', 2, /a dataset has no split best/],
  ['a split without samples', 'FOLDER/paint.cnn:painted.val', 2, /painted has no samples in its val split/],
  ['data without masks', 'image-folder:FOLDER/pictures', 3, /^error\[E07/],
  [
    'classes where masks are asked for',
    'FOLDER/paint.cnn:listed',
    3,
    /^error\[E0714\]: the data has a class for each picture/,
  ],
  ['a file that is not there', 'FOLDER/none.cnn:painted', 3, /^error\[E07/],
])('refuses %s', async (_, data, code, message) => {
  const { evaluate } = await paintShop();
  expect(await evaluate(data)).toMatchObject({ code, out: '', err: expect.stringMatching(message) });
});

it('takes generated pictures of a source, and no masks for a model of classes', async () => {
  const { shop } = await paintShop();
  const tiny = await built(shop, 'tiny.cnn', '--weights', shop.at('tiny.safetensors'));
  const generated = await cnnc('eval', tiny, '--data', `${shop.at('paint.cnn')}:shapes`, '--json');
  expect(generated.err).toBe(
    'data: the val part, 2 of 8 generated pictures\n' +
      'note: Tiny names no classes: its scores are taken in the order of the data, circle, square, triangle, cross\n',
  );
  expect(figuresOf(generated)).toMatchObject({ samples: 2, top1: expect.any(Number) });
  const wrong = await cnnc('eval', tiny, '--data', `${shop.at('paint.cnn')}:painted`);
  expect(wrong).toMatchObject({ code: 3, err: expect.stringContaining('error[E0714]: the data has masks') });
});
