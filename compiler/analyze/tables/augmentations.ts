/** Random changes of pictures: their settings with defaults, and what other frameworks call them. */
import { called, missing, type Foreign } from '../../../grammar/elsewhere/entry.ts';
import {
  nonNegative,
  ratio,
  pixels,
  border,
  number,
  two,
  required,
  optional,
  type Functions,
} from '../directives/directive-spec.ts';

const chance = optional(ratio, 0.5, 'probability');

export const augmentations = {
  random_crop: {
    size: required(pixels, 'height and width'),
    pad: optional(border, 0, 'zero border added first'),
  },
  random_resized_crop: {
    size: required(pixels, 'height and width'),
    scale: optional(two(ratio), [0.08, 1], 'share of the area'),
    ratio: optional(two(nonNegative), [3 / 4, 4 / 3], 'width over height'),
  },
  horizontal_flip: { p: chance },
  vertical_flip: { p: chance },
  color_jitter: { strength: required(ratio, 'largest change of brightness, contrast and saturation') },
  random_rotation: { degrees: required(number({ least: 0, most: 180 }), 'largest angle') },
  cutout: {
    size: required(pixels, 'height and width of the hole'),
    p: optional(ratio, 1, 'probability'),
  },
  mixup: { alpha: optional(nonNegative, 0.2, 'both parameters of the Beta distribution of the shares') },
} satisfies Functions;

export const augmentationsElsewhere: readonly Foreign[] = [
  called('transforms.RandomHorizontalFlip RandomFlip hflip', 'horizontal_flip()'),
  called('transforms.RandomVerticalFlip vflip', 'vertical_flip()'),
  called('transforms.RandomCrop', 'random_crop(32px, pad=4px)'),
  called('transforms.RandomResizedCrop', 'random_resized_crop(224px)'),
  called(
    'transforms.ColorJitter RandomBrightness RandomContrast',
    'color_jitter(40%)',
    'one strength for brightness, contrast and saturation',
  ),
  called('transforms.RandomRotation', 'random_rotation(15)', 'in degrees'),
  called('transforms.RandomErasing', 'cutout(8px)', 'a square hole of zeros'),
  called('MixUp', 'mixup(alpha=0.2)'),
  missing(
    'RandAugment AutoAugment TrivialAugmentWide AugMix CutMix transforms.RandomAffine transforms.RandomPerspective transforms.RandomGrayscale transforms.GaussianBlur RandomZoom RandomTranslation transforms.ElasticTransform RandomApply RandomChoice',
    'there is no such change of pictures; there are random_crop, random_resized_crop, horizontal_flip, vertical_flip, color_jitter, random_rotation, cutout and mixup',
  ),
  missing(
    'transforms.Normalize transforms.Resize transforms.CenterCrop',
    'what is done to every picture, and not to training pictures alone, stands in `preprocess for Model { ... }`',
  ),
  missing(
    'transforms.ToTensor PILToTensor ConvertImageDtype Rescaling Rescale Compose',
    'leave it out: pictures come as numbers of 0..1, and steps follow one another',
  ),
];
