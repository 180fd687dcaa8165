/** Steps of preprocessing: their settings, and what other frameworks call them. */
import { called, missing, type Foreign } from '../../../grammar/elsewhere/entry.ts';
import { real, pixels, number, list, required, open, type Functions } from '../directives/directive-spec.ts';

const deviation = number({ least: 1e-12, help: 'it divides: write `1` for a channel that is not to be scaled' });

export const preprocessing = {
  resize: {
    size: required(pixels, 'the shorter side, or the width'),
    height: open(pixels, 'none', 'the height, where both sides are given'),
  },
  center_crop: { size: required(pixels, 'height and width') },
  normalize: {
    mean: required(list(real), 'subtracted from each channel of 0..1'),
    std: required(list(deviation), 'divides each channel'),
  },
} satisfies Functions;

export const preprocessingElsewhere: readonly Foreign[] = [
  called('transforms.Resize Resizing', 'resize(256px)'),
  called('transforms.CenterCrop', 'center_crop(224px)'),
  called('transforms.Normalize Normalization', 'normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])'),
  missing(
    'transforms.ToTensor PILToTensor ConvertImageDtype Rescaling Rescale Compose ToDtype',
    'leave it out: pictures come as numbers of 0..1, and steps follow one another',
  ),
  missing(
    'transforms.Grayscale transforms.Pad Lambda transforms.FiveCrop transforms.TenCrop',
    'there is no such step; there are resize, center_crop and normalize',
  ),
  missing(
    'transforms.RandomCrop transforms.RandomHorizontalFlip transforms.RandomResizedCrop transforms.ColorJitter',
    'what is random belongs to `augment { ... }` of a training',
  ),
];
