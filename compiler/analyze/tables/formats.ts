/** What other frameworks call the formats of datasets. */
import { called, type Foreign } from '../../../grammar/elsewhere/entry.ts';

export const formatsElsewhere: readonly Foreign[] = [
  called('ImageFolder image_dataset_from_directory imagefolder folder', '"image-folder"'),
  called('MNIST FashionMNIST', 'idx'),
  called('CIFAR10 CIFAR100 cifar', '"cifar-binary"'),
  called('VOCSegmentation segmentation', '"image-mask-folder"'),
  called('FakeData random', 'synthetic'),
  called('numpy', 'npy'),
];
