/** How large pictures are, by their headers alone. */
import { openFile } from './file-access.ts';
import type { RandomAccessFile } from './file-access.ts';
import { fileHeader } from './image-header.ts';
import type { ImageHeader } from './image-header.ts';
import { fileKind, kindBytes } from './picture-kind.ts';

export type PictureSize = Pick<ImageHeader, 'width' | 'height' | 'orientation'>;

/** As stored, with what EXIF says of turning. Throws E0710, and E0713 for no picture that can be read. */
export async function pictureSize(path: string): Promise<PictureSize> {
  const file = await openFile(path);
  try {
    return (await plainSize(file, await readHead(file))) ?? (await fileHeader(file));
  } finally {
    await file.close();
  }
}

/** Bytes that are read at first: in nearly every file the header lies in them. */
const headBytes = 4096;

/** The first bytes of a file. */
export const readHead = (file: RandomAccessFile): Promise<Uint8Array> => file.read(0, Math.min(headBytes, file.bytes));

/**
 * Of a JPEG or PNG picture without EXIF data, mostly by its first bytes alone, which takes a tenth of the decoder's time
 * for a header. Undefined where only the decoder tells.
 */
export async function plainSize(file: RandomAccessFile, head: Uint8Array): Promise<PictureSize | undefined> {
  const { format } = fileKind(head.subarray(0, kindBytes));
  const bytesAt: BytesAt = async (from, length) => {
    if (from + length > file.bytes) return undefined;
    return Buffer.from(from + length <= head.length ? head.slice(from, from + length) : await file.read(from, length));
  };
  const size = format === 'jpeg' ? await jpegSize(bytesAt) : format === 'png' ? await pngSize(bytesAt) : undefined;
  return size && size.width > 0 && size.height > 0 ? { ...size, orientation: 1 } : undefined;
}

/** Undefined behind the end of the file. */
type BytesAt = (from: number, length: number) => Promise<Buffer | undefined>;
type Size = Pick<PictureSize, 'width' | 'height'>;

/** Segments or chunks before the picture; a file of more is left to the decoder. */
const mostParts = 1000;

/** ITU-T T.81, annex B: segments of a marker and a length, among them that of the frame. */
async function jpegSize(bytesAt: BytesAt): Promise<Size | undefined> {
  for (let begin = 2, part = 0; part < mostParts; part++) {
    const bytes = await bytesAt(begin, 10);
    if (bytes?.[0] !== 0xff) return undefined;
    const marker = bytes[1] ?? 0;
    const length = bytes.readUInt16BE(2);
    if (isFrame(marker)) return { width: bytes.readUInt16BE(7), height: bytes.readUInt16BE(5) };
    const isExif = marker === 0xe1 && bytes.toString('latin1', 4, 8) === 'Exif';
    // Tables (C4, CC, DB, DD), data of applications and comments may stand before the frame.
    const isOther = [0xc4, 0xcc, 0xdb, 0xdd, 0xfe].includes(marker) || (marker >= 0xe0 && marker <= 0xef);
    if (!isOther || isExif || length < 2) return undefined;
    begin += 2 + length;
  }
  return undefined;
}

const isFrame = (marker: number): boolean =>
  marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;

/** PNG specification, 5.3: chunks of a length, a type, data and a checksum. EXIF data behind the pixels counts for nothing. */
async function pngSize(bytesAt: BytesAt): Promise<Size | undefined> {
  const header = await bytesAt(8, 16);
  if (header?.toString('latin1', 4, 8) !== 'IHDR') return undefined;
  for (let begin = 8, part = 0; part < mostParts; part++) {
    const bytes = await bytesAt(begin, 8);
    const type = bytes?.toString('latin1', 4, 8);
    if (type === 'IDAT') return { width: header.readUInt32BE(8), height: header.readUInt32BE(12) };
    if (!bytes || type === 'eXIf') return undefined;
    begin += 12 + bytes.readUInt32BE(0);
  }
  return undefined;
}
