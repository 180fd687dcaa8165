/** Small pictures for a report: PNG as the text of a `data:` address. */
import type { StoredImage } from '../../pictures/image.ts';
import { seenImage } from '../../pictures/seen-image.ts';

/** Pixels of the longer side; smaller pictures are magnified pixel by pixel. */
const side = 128;

/** As people see it: upright, and transparency over white. */
export async function thumbnail(stored: StoredImage): Promise<string> {
  const { width, height, channels, data } = seenImage(stored, {});
  const { default: sharp } = await import('sharp');
  const scale = side / Math.max(width, height);
  const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
  const bytes = await sharp(data, { raw: { width, height, channels } })
    .resize({ ...size, fit: 'fill', kernel: scale > 1 ? 'nearest' : 'lanczos3' })
    .png()
    .toBuffer();
  return `data:image/png;base64,${bytes.toString('base64')}`;
}
