/** 8-bit images in memory: as a file stores them, and as models see them. */

/** Rows from the top, pixels from the left, channels interleaved: `data[(y * width + x) * channels + c]`. */
export interface Image8 {
  readonly width: number;
  readonly height: number;
  /** 1 for grey, 3 for red, green, blue. */
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
}

/** What a file or a canvas holds, in the same order. `seenImage` (runtime/pictures/seen-image.ts) makes an `Image8` of it. */
export interface StoredImage {
  readonly width: number;
  readonly height: number;
  /** 1 for grey, 3 for red, green, blue; one more for alpha, by which colours are not multiplied. */
  readonly channels: 1 | 2 | 3 | 4;
  readonly data: Uint8Array;
  /** EXIF's orientation, 1 to 8: how the rows are turned and mirrored to be seen upright. 1 where it is absent. */
  readonly orientation?: number | undefined;
}

/** Luma by ITU-R BT.601 in the fixed point of PIL's `convert('L')`; a grey image comes back as it is. */
export function toGrey(image: Image8): Image8 {
  if (image.channels === 1) return image;
  const { width, height, data } = image;
  const grey = new Uint8Array(width * height);
  for (let pixel = 0; pixel < grey.length; pixel++) {
    const [r = 0, g = 0, b = 0] = [data[pixel * 3], data[pixel * 3 + 1], data[pixel * 3 + 2]];
    grey[pixel] = (r * 19595 + g * 38470 + b * 7471 + 0x8000) >>> 16;
  }
  return { width, height, channels: 1, data: grey };
}

/** The grey value three times; a colour image comes back as it is. */
export function toColour(image: Image8): Image8 {
  if (image.channels === 3) return image;
  const { width, height } = image;
  const data = new Uint8Array(width * height * 3);
  for (let pixel = 0, to = 0; to < data.length; pixel++, to += 3) {
    const value = image.data[pixel] ?? 0;
    data[to] = value;
    data[to + 1] = value;
    data[to + 2] = value;
  }
  return { width, height, channels: 3, data };
}
