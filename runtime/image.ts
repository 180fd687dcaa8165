/** An 8-bit image in memory, and its grey and colour forms. */

/** Rows from the top, pixels from the left, channels interleaved: `data[(y * width + x) * channels + c]`. */
export interface Image8 {
  readonly width: number;
  readonly height: number;
  /** 1 for grey, 3 for red, green, blue. */
  readonly channels: 1 | 3;
  readonly data: Uint8Array;
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
  image.data.forEach((value, pixel) => data.fill(value, pixel * 3, pixel * 3 + 3));
  return { width, height, channels: 3, data };
}
