import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { toColour } from '../../../runtime/pictures/image.ts';
import { checkImageFile } from '../../../runtime/node/pictures/image-header.ts';
import { decodeImage, readImage } from '../../../runtime/node/pictures/images.ts';
import { decodeMask } from '../../../runtime/node/pictures/mask-png.ts';
import { seenImage, seenSize } from '../../../runtime/pictures/seen-image.ts';
import { expectGenerated } from '../../generated-section.ts';
import { root } from '../../source-tree.ts';
import { faultOf, faultOfAsync } from '../fault.ts';
import { goldenFolder, oddPictures } from './odd-pictures.ts';
import { temporaryFolder } from './temporary-folder.ts';

interface Golden {
  readonly width: number;
  readonly height: number;
  /** Base64 of red, green, blue. */
  readonly rgb: string;
}

/** Written by Pillow 9.4: upright, pasted over white, `convert('RGB')`; of 16 bits `round(v * 255 / 65535)`. */
const pillow: Readonly<Record<string, Golden>> = JSON.parse(readFileSync(join(goldenFolder, 'pillow.json'), 'utf8'));

async function seenBytes(file: Uint8Array, name: string) {
  return toColour(seenImage(await decodeImage(file, name), {}));
}

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - (b[at] ?? 0))), 0);
}

describe('pictures', () => {
  it.each(oddPictures)('$what', async ({ file, picture, golden, isHidden, within = 0 }) => {
    const bytes = await file();
    if ('fault' in picture) {
      expect(await faultOfAsync(() => decodeImage(bytes, 'x'))).toBe(`E0713: cannot decode x: ${picture.fault}`);
      if (isHidden) return;
      const folder = temporaryFolder({ 'x.jpg': bytes });
      expect(await faultOfAsync(() => checkImageFile(join(folder, 'x.jpg')))).toMatch(
        /^E0713: cannot decode .*x\.jpg: /,
      );
      return;
    }
    const seen = await seenBytes(bytes, 'x');
    expect(seen.data).toHaveLength(seen.width * seen.height * 3);
    const header = await checkImageFile(join(temporaryFolder({ x: bytes }), 'x'));
    expect(seenSize(header, {})).toEqual({ width: seen.width, height: seen.height });
    const expected = golden === undefined ? undefined : pillow[golden];
    if (!expected) return;
    expect([seen.width, seen.height]).toEqual([expected.width, expected.height]);
    expect(largestDifference(seen.data, Buffer.from(expected.rgb, 'base64'))).toBeLessThanOrEqual(within);
  });

  it('are all of those with golden bytes', () => {
    expect(oddPictures.flatMap(({ golden = [] }) => golden).toSorted()).toEqual(Object.keys(pillow).toSorted());
  });

  const cases = join(process.env['CNNC_CASES'] ?? join(root, '../shared/cases'), 'jpeg');
  const names = existsSync(cases) ? readdirSync(cases).filter((name) => name.endsWith('.jpg')) : [];
  if (names.length === 0) console.warn(`skipped: ${cases} is absent (set CNNC_CASES to the folder with cases)`);
  it.each(names)('%s has the bytes of the PNG of its name', async (name) => {
    const jpeg = toColour(seenImage(await readImage(join(cases, name)), {}));
    const png = toColour(seenImage(await readImage(join(cases, name.replace(/\.jpg$/, '.png'))), {}));
    expect([jpeg.width, jpeg.height]).toEqual([png.width, png.height]);
    expect(largestDifference(jpeg.data, png.data)).toBeLessThanOrEqual(name.startsWith('cmyk') ? 2 : 0);
  });
});

describe('masks', () => {
  it.each(oddPictures)('$what', async ({ file, mask }) => {
    const bytes = await file();
    if ('fault' in mask) {
      expect(faultOf(() => decodeMask(bytes, 'x'))).toBe(`E0713: cannot decode the mask x: ${mask.fault}`);
    } else {
      const { width, height, data } = decodeMask(bytes, 'x');
      expect(data).toHaveLength(width * height);
    }
  });
});

it('docs/pictures.md has the table', () => {
  const cell = (result: { readonly seen: string } | { readonly fault: string }): string =>
    'seen' in result ? result.seen : `E0713: ${result.fault}`;
  expectGenerated('docs/pictures.md', 'odd pictures', [
    ['file', 'as a picture', 'as a mask'],
    ...oddPictures.map(({ what, picture, mask }) => [what, cell(picture), cell(mask)]),
  ]);
});
