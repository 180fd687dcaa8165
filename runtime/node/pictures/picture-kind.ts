/** What a file is by its first bytes, whatever its name says. */

/** The formats that pictures are read from. */
export type PictureFormat = 'jpeg' | 'png' | 'webp' | 'gif' | 'tiff' | 'avif';

/** What the header of a picture says. */
export interface ImageHeader {
  readonly format: PictureFormat;
  /** As stored; of the first frame or page. */
  readonly width: number;
  readonly height: number;
  /** 1 to 4: grey or colour, with or without alpha; four also for CMYK. */
  readonly channels: number;
  /** Bits of a channel: 8 (also for fewer) or 16. */
  readonly depth: 8 | 16;
  readonly colours: 'grey' | 'rgb' | 'cmyk';
  readonly hasAlpha: boolean;
  /** EXIF's, 1 to 8. */
  readonly orientation: number;
}

export interface FileKind {
  /** Undefined where the file is no picture that can be read. */
  readonly format: PictureFormat | undefined;
  /** With its article, as in `a BMP picture`. */
  readonly words: string;
}

/** Bytes from the beginning of a file that `fileKind` looks at. */
export const kindBytes = 262;

/** Of these, what tells a text. */
const textBytes = 64;

/** What stands at a place of the file. Latin-1 characters stand for bytes. */
type Mark = readonly [offset: number, text: string];

const formats: readonly (readonly [marks: readonly Mark[], format: PictureFormat, words: string])[] = [
  [[[0, '\xff\xd8\xff']], 'jpeg', 'a JPEG picture'],
  [[[0, '\x89PNG\r\n\x1a\n']], 'png', 'a PNG picture'],
  [
    [
      [0, 'RIFF'],
      [8, 'WEBP'],
    ],
    'webp',
    'a WebP picture',
  ],
  [[[0, 'GIF87a']], 'gif', 'a GIF picture'],
  [[[0, 'GIF89a']], 'gif', 'a GIF picture'],
  [[[0, 'II*\0']], 'tiff', 'a TIFF picture'],
  [[[0, 'MM\0*']], 'tiff', 'a TIFF picture'],
  [[[0, 'II+\0']], 'tiff', 'a TIFF picture'],
  [[[0, 'MM\0+']], 'tiff', 'a TIFF picture'],
  [[[4, 'ftypavif']], 'avif', 'an AVIF picture'],
  [[[4, 'ftypavis']], 'avif', 'an AVIF picture'],
];

/** What is met in folders of pictures and weights; the first that fits. */
const others: readonly (readonly [marks: readonly Mark[], words: string])[] = [
  [
    [
      [0, 'BM'],
      [6, '\0\0\0\0'],
      [15, '\0\0\0'],
    ],
    'a BMP picture',
  ],
  ...['heic', 'heix', 'hevc', 'mif1', 'msf1'].map((brand) => [[[4, `ftyp${brand}`]], 'a HEIC picture'] as const),
  [[[0, '\0\0\0\x0cjP  \r\n']], 'a JPEG 2000 picture'],
  [[[0, '\xff\x0a']], 'a JPEG XL picture'],
  [[[0, '\0\0\0\x0cJXL ']], 'a JPEG XL picture'],
  [[[0, '8BPS']], 'a Photoshop document'],
  [
    [
      [0, '\0\0\x01\0'],
      [5, '\0'],
    ],
    'an icon',
  ],
  ...['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7'].map((magic) => [[[0, `${magic}\n`]], 'a PNM picture'] as const),
  [[[0, 'v/1\x01']], 'an OpenEXR picture'],
  [[[4, 'ftyp']], 'a film'],
  [[[0, 'PK\x03\x04']], 'a zip archive'],
  [[[0, '\x1f\x8b']], 'a gzip archive'],
  [[[257, 'ustar']], 'a tar archive'],
  [[[0, "7z\xbc\xaf'\x1c"]], 'a 7z archive'],
  [[[0, 'Rar!\x1a\x07']], 'a rar archive'],
  [[[0, '\xfd7zXZ\0']], 'an xz archive'],
  [[[0, 'BZh']], 'a bzip2 archive'],
  [[[0, '\x28\xb5\x2f\xfd']], 'a Zstandard archive'],
  [[[0, '\x93NUMPY']], 'an npy array'],
  [[[0, '\x89HDF\r\n']], 'an HDF5 file'],
  [[[0, '%PDF-']], 'a PDF document'],
  [[[0, 'version https://git-lfs']], 'a git-lfs pointer, not the file itself'],
];

/** Looks at the first `kindBytes` bytes of a file; fewer where it is shorter. */
export function fileKind(start: Uint8Array): FileKind {
  const text = Buffer.from(start.subarray(0, kindBytes)).toString('latin1');
  if (text === '') return { format: undefined, words: 'an empty file' };
  const fits = (marks: readonly Mark[]) => marks.every(([offset, mark]) => text.startsWith(mark, offset));
  for (const [marks, format, words] of formats) if (fits(marks)) return { format, words };
  if (hasAvifBrand(text)) return { format: 'avif', words: 'an AVIF picture' };
  for (const [marks, words] of others) if (fits(marks)) return { format: undefined, words };
  return { format: undefined, words: wordsOfText(text.slice(0, textBytes)) };
}

/** Brands follow the major one and its version, each of four letters. */
function hasAvifBrand(text: string): boolean {
  return text.startsWith('ftyp', 4) && /^(?:.{4})*avi[fs]/s.test(text.slice(16, text.charCodeAt(3)));
}

/** No control characters but tabs, line ends and form feeds: ASCII, UTF-8 or an older code page. */
function wordsOfText(text: string): string {
  const codes = Array.from(text, (character) => character.charCodeAt(0));
  if (codes.every((code) => code === 0)) return 'a file of zeros';
  if (!codes.every((code) => code >= 32 || (code >= 9 && code <= 13))) return 'a file of unknown form';
  const word = text
    .replace(/^\xef\xbb\xbf/, '')
    .trimStart()
    .toLowerCase();
  if (['<!doctype html', '<html', '<head'].some((begin) => word.startsWith(begin))) return 'an HTML page';
  if (['<?xml', '<svg', '<!doctype svg'].some((begin) => word.startsWith(begin))) return 'an SVG or XML document';
  return 'a text';
}
