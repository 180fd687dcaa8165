/** The readers, in the order of the page. */
import { npyFiles, npzFiles } from './arrays.ts';
import { csvFiles } from './csv.ts';
import { cifarBinary } from './cifar-binary.ts';
import { idxFiles } from './idx.ts';
import { imageFolder } from './image-folder.ts';
import { imageMaskFolder } from './image-mask-folder.ts';
import { labelsFile, namesFile } from './labels-file.ts';
import type { OddCases } from './odd-case.ts';
import { weightsFiles } from './weights.ts';

export const oddData: readonly OddCases[] = [
  imageFolder,
  labelsFile,
  namesFile,
  imageMaskFolder,
  cifarBinary,
  idxFiles,
  csvFiles,
  npyFiles,
  npzFiles,
  weightsFiles,
];
