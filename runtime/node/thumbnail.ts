/** Small pictures for a report: PNG as the text of a `data:` address. */
import type { Image8 } from '../image.ts';

/** Pixels of the longer side; smaller pictures are magnified pixel by pixel. */
const side = 128;

export async function thumbnail({ width, height, channels, data }: Image8): Promise<string> {
  const { default: sharp } = await import('sharp');
  const scale = side / Math.max(width, height);
  const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  const bytes = await sharp(data, { raw: { width, height, channels } })
    .resize({ ...size, fit: 'fill', kernel: scale > 1 ? 'nearest' : 'lanczos3' })
    .png()
    .toBuffer();
  return `data:image/png;base64,${bytes.toString('base64')}`;
}
