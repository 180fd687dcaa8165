/** Size and form of a PNG or JPEG file, read from its markers alone, before anything is decoded. */

/** What the header promises about the picture, in pixels. */
export interface ImageHeader {
  readonly format: 'png' | 'jpeg';
  readonly width: number;
  readonly height: number;
}

/** One chunk of a PNG file: its type and where it lies, length and checksum fields included. */
interface PngChunk {
  readonly type: string;
  readonly begin: number;
  readonly end: number;
}

const pngMagic = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];

/** Reads the header of an image file. Throws an Error that says what is wrong. */
export function readImageHeader(file: Uint8Array): ImageHeader {
  if (pngMagic.every((byte, index) => file[index] === byte)) return pngHeader(file);
  if (file[0] === 0xff && file[1] === 0xd8) return jpegHeader(file);
  throw new Error('it is neither a PNG nor a JPEG file');
}

function viewOf(file: Uint8Array): DataView {
  return new DataView(file.buffer, file.byteOffset, file.byteLength);
}

function pngChunks(file: Uint8Array): readonly PngChunk[] {
  const view = viewOf(file);
  const chunks: PngChunk[] = [];
  let begin = pngMagic.length;
  while (begin + 12 <= file.length) {
    const end = begin + 12 + view.getUint32(begin);
    if (end > file.length) throw new Error('the PNG file ends inside of a chunk');
    const type = String.fromCharCode(...file.subarray(begin + 4, begin + 8));
    chunks.push({ type, begin, end });
    if (type === 'IEND') return chunks;
    begin = end;
  }
  throw new Error('the PNG file has no end chunk');
}

/** A decoder may take the last of several headers, so more than one is refused. */
function pngHeader(file: Uint8Array): ImageHeader {
  const chunks = pngChunks(file);
  const [header] = chunks;
  const headers = chunks.filter((chunk) => chunk.type === 'IHDR').length;
  if (header?.type !== 'IHDR' || header.end - header.begin !== 25 || headers !== 1) {
    throw new Error('the PNG file must begin with its only header');
  }
  const view = viewOf(file);
  return { format: 'png', width: view.getUint32(header.begin + 8), height: view.getUint32(header.begin + 12) };
}

/** How a PNG file stores its pixels; valid for files that `readImageHeader` accepted. */
export interface PngLayout {
  /** The compressed rows. */
  readonly compressed: Uint8Array;
  /** Bytes of all rows when inflated, each with its filter byte. */
  readonly rowBytes: number;
  /** The file without transparency chunks: decoders turn transparent pixels black, whose colour is wanted here. */
  readonly opaque: Uint8Array;
}

/** Splits a PNG file into what the checks before decoding need. */
export function pngLayout(file: Uint8Array): PngLayout {
  const chunks = pngChunks(file);
  const compressed = chunks.filter(({ type }) => type === 'IDAT');
  const kept = chunks.filter(({ type }) => type !== 'tRNS');
  const magic = file.subarray(0, pngMagic.length);
  return {
    compressed: Buffer.concat(compressed.map(({ begin, end }) => file.subarray(begin + 8, end - 4))),
    rowBytes: inflatedRows(viewOf(file)),
    opaque: Buffer.concat([magic, ...kept.map(({ begin, end }) => file.subarray(begin, end))]),
  };
}

/** Samples of one pixel by colour type: grey, colour, palette, grey with alpha, colour with alpha. */
const samples: ReadonlyMap<number, number> = new Map([
  [0, 1],
  [2, 3],
  [3, 1],
  [4, 2],
  [6, 4],
]);

/** Adam7: first column and row of each pass, and the steps to the next. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** Bytes of all rows; the fields lie at fixed places, since the header is the first chunk. */
function inflatedRows(view: DataView): number {
  const [width, height, depth, colour] = [view.getUint32(16), view.getUint32(20), view.getUint8(24), view.getUint8(25)];
  const bits = depth * (samples.get(colour) ?? 0);
  const passes = view.getUint8(28) === 0 ? [[0, 0, 1, 1] as const] : adam7;
  let bytes = 0;
  for (const [left, top, stepX, stepY] of passes) {
    const columns = Math.ceil((width - left) / stepX);
    const rows = Math.ceil((height - top) / stepY);
    if (columns > 0 && rows > 0) bytes += rows * (1 + Math.ceil((columns * bits) / 8));
  }
  return bytes;
}

/** Start-of-frame markers: baseline, extended, progressive and so on; C4, C8 and CC are other segments. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

function jpegHeader(file: Uint8Array): ImageHeader {
  const view = viewOf(file);
  const frames: ImageHeader[] = [];
  let at = 2;
  for (;;) {
    const marker = markerAt(file, at);
    at = marker.end;
    if (marker.code === 0xda) break;
    if (marker.code === 0xd9) throw new Error('the JPEG file has no picture');
    if (at + 2 > file.length) throw new Error('the JPEG file ends inside of its header');
    const length = view.getUint16(at);
    if (length < 2 || at + length > file.length) throw new Error('the JPEG file ends inside of its header');
    if (isFrame(marker.code) && length >= 8) {
      frames.push({ format: 'jpeg', height: view.getUint16(at + 3), width: view.getUint16(at + 5) });
    }
    at += length;
  }
  const [frame] = frames;
  if (!frame || frames.length !== 1) throw new Error(`the JPEG file has ${frames.length} frames and must have one`);
  if (!hasEndMarker(file, at)) throw new Error('the JPEG file ends before its picture does');
  return frame;
}

/** A marker may be preceded by any number of 0xFF fill bytes. */
function markerAt(file: Uint8Array, begin: number): { readonly code: number; readonly end: number } {
  let at = begin;
  if (file[at] !== 0xff) throw new Error(`the JPEG file has no marker at byte ${at}`);
  while (file[at] === 0xff) at += 1;
  const code = file[at];
  if (code === undefined) throw new Error('the JPEG file ends inside of its header');
  return { code, end: at + 1 };
}

/** Frames behind the first scan would escape the check of the size. */
function hasEndMarker(file: Uint8Array, begin: number): boolean {
  for (let at = begin; at + 1 < file.length; at++) {
    if (file[at] !== 0xff) continue;
    const code = file[at + 1] ?? 0;
    if (code === 0xd9) return true;
    if (isFrame(code)) throw new Error('the JPEG file has a second frame');
  }
  return false;
}
