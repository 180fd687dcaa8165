/** Help lines for names that nothing declares: the nearest name in sight, or what other frameworks call it. */
import { didYouMean } from '../../grammar/suggest.ts';

/** Names of PyTorch, Keras and ONNX in lower case, without `_` and the dimensions at their end. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ['convolution', 'conv'],
  ['convtranspose', 'conv_transpose'],
  ['deconv', 'conv_transpose'],
  ['batchnorm', 'bn'],
  ['batchnormalization', 'bn'],
  ['groupnormalization', 'group_norm'],
  ['layernormalization', 'layer_norm'],
  ['dense', 'linear'],
  ['fc', 'linear'],
  ['gemm', 'linear'],
  ['maxpooling', 'max_pool'],
  ['averagepooling', 'avg_pool'],
  ['averagepool', 'avg_pool'],
  ['globalaveragepooling', 'global_avg_pool'],
  ['globalaveragepool', 'global_avg_pool'],
  ['gap', 'global_avg_pool'],
  ['adaptiveavgpool', 'adaptive_avg_pool'],
  ['cat', 'concat'],
  ['concatenate', 'concat'],
  ['view', 'reshape'],
  ['permute', 'transpose'],
  ['upsample', 'resize'],
  ['upsampling', 'resize'],
  ['interpolate', 'resize'],
  ['swish', 'silu'],
  ['clamp', 'clip'],
  ['chunk', 'split'],
  ['depthtospace', 'pixel_shuffle'],
  ['zeropadding', 'pad'],
  ['reducemean', 'mean'],
  ['valid', '0'],
]);

const plainName = (name: string): string => {
  const joined = name.toLowerCase().replaceAll('_', '');
  return joined.replace(/[123]d$/, '');
};

/** The help line of E0201. */
export function unknownNameHelp(name: string, known: Iterable<string>): string {
  const names = [...known];
  const plain = plainName(name);
  const other = elsewhere.get(plain);
  if (other !== undefined) return `here it is called \`${other}\``;
  const same = names.find((each) => each !== name && plainName(each) === plain);
  if (same !== undefined) return `did you mean \`${same}\`?`;
  return didYouMean(name, names) ?? 'declare it in front of this, or import it';
}
