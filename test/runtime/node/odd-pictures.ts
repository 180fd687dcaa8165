/** Odd pictures and files that are none: what becomes of each as a picture and as a mask. `docs/pictures.md` prints it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { root } from '../../source-tree.ts';
import { chunk, flatPng, greyPng, rawPng } from './png.ts';

export interface OddPicture {
  readonly what: string;
  readonly file: () => Uint8Array | Promise<Uint8Array>;
  /** What is seen, in words, where it is read; the reason of E0713 otherwise. */
  readonly picture: { readonly seen: string } | { readonly fault: string };
  readonly mask: { readonly seen: string } | { readonly fault: string };
  /** Name of the picture in `test/golden/pictures/pillow.json`, which has the bytes that are seen. */
  readonly golden?: string;
  /** Whether only decoding finds the fault, and not the look at header and end. */
  readonly isHidden?: boolean;
  /** Largest difference from them; 0 unless told. */
  readonly within?: number;
}

export const goldenFolder = join(root, 'test/golden/pictures');
const stored = (name: string) => (): Uint8Array => readFileSync(join(goldenFolder, name));

const colours = { fault: 'it has several channels; a mask has one, grey or palette' };
const noPng = (words: string) => ({ fault: `it is ${words}; masks are PNG files` });
const damaged = 'its data is damaged, or a part of it is missing';
const jpeg = { fault: 'it is a JPEG picture, whose values are not exact; masks are PNG files' };
const unread = (words: string) => ({
  fault: `it is ${words}; PNG, JPEG, WebP, AVIF, GIF and TIFF pictures can be read`,
});
const numbers = { seen: 'its numbers' };

/** A picture whose bytes Pillow's are. */
const golden = (what: string, name: string, seen: string, mask: OddPicture['mask'], within = 0): OddPicture => ({
  what,
  file: stored(name),
  picture: { seen },
  mask,
  golden: name,
  within,
});

/** What is no picture. */
const foreign = (what: string, words: string, bytes: () => Uint8Array | Promise<Uint8Array>): OddPicture => ({
  what,
  file: bytes,
  picture: unread(words),
  mask: noPng(words),
});

const text = (content: string) => (): Uint8Array => Buffer.from(content, 'latin1');
const half = (file: Uint8Array): Uint8Array => file.subarray(0, file.length >> 1);
const jpegBytes = (): Promise<Uint8Array> =>
  sharp({ create: { width: 64, height: 48, channels: 3, background: '#4080c0' } })
    .jpeg()
    .toBuffer();

/** The header of a JPEG with other sizes. */
async function claiming(width: number, height: number): Promise<Uint8Array> {
  const file = Buffer.from(await jpegBytes());
  const frame = file.indexOf(Buffer.of(0xff, 0xc0));
  file.writeUInt16BE(height, frame + 5);
  file.writeUInt16BE(width, frame + 7);
  return file;
}

/** Without some of the bytes of its last rows. */
function withGap(): Uint8Array {
  const file = stored('edges-444-q50.jpg')();
  return Buffer.concat([file.subarray(0, file.length - 300), file.subarray(file.length - 40)]);
}

const turned = [
  'upright',
  'mirrored left to right',
  'turned by 180 degrees',
  'mirrored top to bottom',
  'mirrored along the diagonal',
  'turned clockwise',
  'mirrored along the other diagonal',
  'turned counterclockwise',
];

export const oddPictures: readonly OddPicture[] = [
  golden('JPEG, 4:4:4', 'edges-444-q50.jpg', "Pillow's bytes", jpeg),
  golden('JPEG, 4:2:2', 'edges-422-q95.jpg', "Pillow's bytes", jpeg),
  golden('JPEG, 4:2:0', 'edges-420-q50.jpg', "Pillow's bytes", jpeg),
  golden('JPEG, 4:2:0, of noise', 'noise-420-q95.jpg', "Pillow's bytes", jpeg),
  golden('JPEG, progressive', 'gradient-420-progressive.jpg', "Pillow's bytes", jpeg),
  golden('JPEG, grey, progressive', 'grey-progressive.jpg', "Pillow's bytes", jpeg),
  golden('JPEG with optimized tables', 'optimized.jpg', "Pillow's bytes", jpeg),
  golden('JPEG with restart intervals', 'gradient-420-restart.jpg', "Pillow's bytes", jpeg),
  golden('JPEG, grey', 'grey.jpg', "Pillow's bytes", jpeg),
  golden('JPEG, CMYK', 'cmyk.jpg', "Pillow's bytes, within 2", jpeg, 2),
  golden('JPEG, CMYK, progressive', 'cmyk-progressive.jpg', "Pillow's bytes, within 2", jpeg, 2),
  golden('JPEG with a colour profile', 'profile.jpg', 'its values; the profile is not applied', jpeg),
  ...turned.map((how, at) => golden(`JPEG, EXIF orientation ${at + 1}`, `orientation-${at + 1}.jpg`, how, jpeg)),
  golden('PNG, EXIF orientation 6', 'orientation-6.png', 'turned clockwise', colours),
  golden('WebP, EXIF orientation 6', 'orientation-6.webp', 'turned clockwise', noPng('a WebP picture')),
  golden('TIFF, orientation 8', 'orientation-8.tif', 'turned counterclockwise', noPng('a TIFF picture')),
  golden('PNG, colours with alpha', 'alpha.png', 'over white', colours),
  golden('WebP, lossless with alpha', 'alpha.webp', 'over white', noPng('a WebP picture')),
  golden('TIFF with alpha', 'alpha.tif', 'over white', noPng('a TIFF picture')),
  golden('PNG, grey with alpha', 'grey-alpha.png', 'over white', colours),
  golden('PNG, 16 bits, grey', 'grey-16.png', '`round(v / 257)`', {
    fault: 'pixel (1, 0) is 65535; classes end at 254',
  }),
  golden('PNG, 16 bits, colours', 'rgb-16.png', '`round(v / 257)`', colours),
  golden('PNG, 16 bits, colours with alpha', 'rgba-16.png', '`round(v / 257)`, then over white', colours),
  golden('PNG, 16 bits, grey with alpha', 'grey-alpha-16.png', '`round(v / 257)`, then over white', colours),
  golden('PNG of 1 bit', 'bits.png', 'black and white', { seen: 'its numbers, 0 and 1' }),
  golden('TIFF of 1 bit', 'bits.tif', 'black and white', noPng('a TIFF picture')),
  golden('PNG with a palette', 'palette.png', 'its colours', { seen: 'its indices' }),
  golden('PNG, palette with a transparent colour', 'palette-transparent.png', 'over white', { seen: 'its indices' }),
  golden('PNG, palette of half-transparent colours', 'palette-alphas.png', 'over white', { seen: 'its indices' }),
  golden('GIF', 'palette.gif', 'its colours', noPng('a GIF picture')),
  golden('GIF with a transparent colour', 'palette-transparent.gif', 'over white', noPng('a GIF picture')),
  golden('GIF of several frames', 'frames.gif', 'the first frame', noPng('a GIF picture')),
  golden('WebP of several frames', 'frames.webp', 'the first frame', noPng('a WebP picture')),
  golden('TIFF of several pages', 'pages.tif', 'the first page', noPng('a TIFF picture')),
  golden('TIFF, CMYK', 'cmyk.tif', "Pillow's bytes, within 2", noPng('a TIFF picture'), 2),
  golden('PNG called .jpg', 'png-inside.jpg', 'read by what it holds', colours),
  {
    what: 'PNG, interlaced, grey',
    file: () =>
      sharp(greyPng({ width: 9, height: 9, values: [] }))
        .toColourspace('b-w')
        .png({ progressive: true })
        .toBuffer(),
    picture: { seen: 'its values' },
    mask: numbers,
  },
  {
    what: 'AVIF',
    file: () =>
      sharp(flatPng(16, 16, [200, 30, 60]))
        .avif({ lossless: true })
        .toBuffer(),
    picture: { seen: 'its values' },
    mask: noPng('an AVIF picture'),
  },
  {
    what: 'JPEG with bytes behind its end',
    file: async () => Buffer.concat([await jpegBytes(), Buffer.alloc(5000, 7)]),
    picture: { seen: 'its picture' },
    mask: jpeg,
  },
  {
    what: 'JPEG cut in the middle',
    file: async () => half(await jpegBytes()),
    picture: { fault: 'premature end of JPEG image' },
    mask: jpeg,
  },
  {
    what: 'JPEG with a gap in the middle',
    file: withGap,
    picture: { fault: damaged },
    isHidden: true,
    mask: jpeg,
  },
  {
    what: 'PNG cut in the middle',
    file: () => half(stored('alpha.png')()),
    picture: { fault: damaged },
    mask: colours,
  },
  {
    what: 'WebP cut in the middle',
    file: () => half(stored('alpha.webp')()),
    picture: { fault: 'unable to parse image' },
    mask: noPng('a WebP picture'),
  },
  {
    what: 'a JPEG header that promises 65000x65000',
    file: () => claiming(65000, 65000),
    picture: { fault: 'it is 65000x65000, more than 64 megapixels' },
    mask: jpeg,
  },
  {
    what: 'PNG, grey, of 16 bits up to 254',
    file: () => rawPng({ width: 1, height: 1, depth: 16, colour: 0 }, Buffer.of(0, 0, 254)),
    picture: { seen: '`round(v / 257)`' },
    mask: numbers,
  },
  {
    what: 'PNG whose palette is missing',
    file: () =>
      rawPng({ width: 1, height: 1, depth: 8, colour: 3 }, Buffer.of(0, 0), [chunk('tEXt', Buffer.from('a\0b'))]),
    picture: { fault: 'its header is corrupt' },
    mask: { seen: 'its indices' },
  },
  foreign('empty file', 'an empty file', text('')),
  foreign('text called .jpg', 'a text', text('not a picture\n')),
  foreign('HTML page, as a failed download leaves', 'an HTML page', text('<!DOCTYPE html><html><body>404')),
  foreign(
    'git-lfs pointer',
    'a git-lfs pointer, not the file itself',
    text('version https://git-lfs.github.com/spec/v1\n'),
  ),
  foreign('SVG', 'an SVG or XML document', text('<svg xmlns="http://www.w3.org/2000/svg"/>')),
  foreign('BMP', 'a BMP picture', text('BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0')),
  foreign('HEIC', 'a HEIC picture', text('\0\0\0\x18ftypheic\0\0\0\0heicmif1')),
  foreign('Photoshop document', 'a Photoshop document', text('8BPS\0\x01')),
  foreign('zip archive', 'a zip archive', text('PK\x03\x04\x14\0')),
  foreign('gzip archive', 'a gzip archive', text('\x1f\x8b\x08\0')),
  foreign('PDF', 'a PDF document', text('%PDF-1.4\n%\xe2\xe3')),
  foreign('zeros', 'a file of zeros', text('\0'.repeat(40))),
  {
    what: 'TIFF of 32-bit floats',
    file: stored('floats.tif'),
    picture: {
      fault: 'its values are of type float; pictures have 8 or 16 bits without a sign, other numbers fit .npy',
    },
    mask: noPng('a TIFF picture'),
  },
];
