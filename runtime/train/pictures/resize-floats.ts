/** Bilinear resizing with antialiasing of pictures of numbers: `resize-image.ts` without its rounding to bytes. */
import type { Picture } from '../sample.ts';

interface FloatPicture extends Picture {
  readonly data: Float32Array;
}

/** Resizes to `width` x `height` pixels as torch's `interpolate(mode='bilinear', antialias=True)` does. */
export function resizeFloats(picture: FloatPicture, width: number, height: number): FloatPicture {
  const { channels } = picture;
  const wide = new Float32Array(width * picture.height * channels);
  along(picture.width, width, (target, source, weight) => {
    for (let y = 0; y < picture.height; y++) {
      const [to, from] = [(y * width + target) * channels, (y * picture.width + source) * channels];
      for (let c = 0; c < channels; c++) wide[to + c] = (wide[to + c] ?? 0) + weight * (picture.data[from + c] ?? 0);
    }
  });
  const data = new Float32Array(width * height * channels);
  const row = width * channels;
  along(picture.height, height, (target, source, weight) => {
    for (let x = 0; x < row; x++) {
      data[target * row + x] = (data[target * row + x] ?? 0) + weight * (wide[source * row + x] ?? 0);
    }
  });
  return { width, height, channels, data };
}

/** Visits every target position with the source positions below its triangle; their weights sum to one. */
function along(from: number, to: number, visit: (target: number, source: number, weight: number) => void): void {
  const scale = from / to;
  const widening = Math.max(scale, 1);
  for (let target = 0; target < to; target++) {
    const centre = (target + 0.5) * scale;
    const begin = Math.max(Math.trunc(centre - widening + 0.5), 0);
    const end = Math.min(Math.trunc(centre + widening + 0.5), from);
    const weightOf = (source: number) => Math.max(0, 1 - Math.abs((source - centre + 0.5) / widening));
    let sum = 0;
    for (let source = begin; source < end; source++) sum += weightOf(source);
    for (let source = begin; source < end; source++) visit(target, source, weightOf(source) / sum);
  }
}
