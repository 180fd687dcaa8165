/** What a person calls an op: by its name in the language. IR text and `cnnc opt` have the IR's own names. */

/** Ops whose name in the language is not the IR's in snake case. */
const languageNames: Readonly<Record<string, string>> = {
  conv2d: 'conv',
  convTranspose2d: 'conv_transpose',
  batchNorm: 'bn',
  maxPool2d: 'max_pool',
  averagePool2d: 'avg_pool',
  globalAveragePool: 'global_avg_pool',
  adaptiveAveragePool2d: 'adaptive_avg_pool',
  reduceMean: 'mean',
  reduceSum: 'sum',
  reduceMax: 'max',
  quantizedConv2d: 'quantized_conv',
};

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** `conv` of `conv2d`; of ops that no source can write, the IR's name in snake case. */
export const languageName = (op: string): string => languageNames[op] ?? snakeCase(op);
