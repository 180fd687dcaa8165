/** Layers and functions of other frameworks, and what they are called or how they are written here. */
import { called, missing, type Foreign } from './entry.ts';

/** Stages: each `here` stands behind `x |>` with x of [N, C, H, W]. */
export const stages: readonly Foreign[] = [
  called(
    'nn.Conv2d F.conv2d Conv2D Conv Convolution',
    'conv(16, k=3)',
    'the channels of the input follow from it, and padding keeps the size: `pad=0` for none',
  ),
  called(
    'nn.ConvTranspose2d F.conv_transpose2d Conv2DTranspose ConvTranspose deconv',
    'conv_transpose(16, k=2, stride=2)',
  ),
  called('DepthwiseConv2D depthwise_conv', 'conv(C, k=3, groups=C)', 'with C channels'),
  called('SeparableConv2D separable_conv', 'seq { conv(C, k=3, groups=C); conv(16, k=1) }', 'with C channels'),
  called(
    'nn.Linear F.linear Dense Gemm fc InnerProduct',
    'flatten |> linear(10)',
    'the features of the input follow from it',
  ),
  called('nn.BatchNorm2d nn.BatchNorm1d nn.SyncBatchNorm F.batch_norm BatchNormalization', 'bn'),
  called('nn.GroupNorm F.group_norm GroupNormalization', 'group_norm(groups=2)'),
  called(
    'nn.InstanceNorm2d F.instance_norm InstanceNormalization',
    'instance_norm',
    'without weights, as in PyTorch; `affine=true` learns a scale and a shift',
  ),
  called('nn.LayerNorm F.layer_norm LayerNormalization', 'layer_norm(dims=3)', '`dims` counts the last axes'),
  called('nn.MaxPool2d F.max_pool2d MaxPooling2D MaxPool', 'max_pool(k=2)'),
  called('nn.AvgPool2d F.avg_pool2d AveragePooling2D AveragePool', 'avg_pool(k=2)'),
  called('GlobalAveragePooling2D GlobalAveragePool gap', 'global_avg_pool', 'it gives [N, C, 1, 1]; `flatten` follows'),
  called('nn.AdaptiveAvgPool2d F.adaptive_avg_pool2d', 'adaptive_avg_pool(7, 7)', '`global_avg_pool` for one pixel'),
  called('nn.Dropout F.dropout', 'dropout(50%)'),
  called('nn.Flatten torch.flatten', 'flatten'),
  called('torch.reshape view tf.reshape', 'reshape(N, -1)', '`flatten` for all axes behind the batch'),
  called('permute movedim swapaxes', 'transpose(0, 2, 3, 1)'),
  called(
    'nn.Upsample F.interpolate UpSampling2D upsample',
    'resize(2 * H, 2 * W)',
    'it takes sizes, which the signature names',
  ),
  called('nn.UpsamplingBilinear2d', 'resize(2 * H, 2 * W, mode=bilinear)'),
  called(
    'nn.PixelShuffle F.pixel_shuffle DepthToSpace',
    'pixel_shuffle(2)',
    'in the order of PyTorch, which is CRD in ONNX',
  ),
  called('nn.ChannelShuffle', 'channel_shuffle(groups=2)'),
  called('nn.ZeroPad2d nn.ConstantPad2d ZeroPadding2D F.pad', 'pad(1)', 'four sizes are top, left, bottom, right'),
  called('torch.clamp nn.Hardtanh clip_by_value clamp_min clamp_max', 'clip(min=-1, max=1)'),
  called('nn.SiLU F.silu swish', 'silu'),
  called('nn.Mish F.mish', 'mish'),
  called('nn.LeakyReLU F.leaky_relu', 'leaky_relu(0.01)'),
  called('nn.Hardswish F.hardswish', 'hard_swish'),
  called('nn.Hardsigmoid F.hardsigmoid', 'hard_sigmoid'),
  called('nn.Softmax F.softmax', 'softmax(axis=1)'),
  called('nn.LogSoftmax F.log_softmax', 'log_softmax(axis=1)'),
  called('reduce_mean ReduceMean', 'mean(axes=[2, 3])'),
  called('reduce_sum ReduceSum', 'sum(axes=[2, 3])'),
  called('reduce_max ReduceMax amax AdaptiveMaxPool2d GlobalMaxPool GlobalMaxPooling2D', 'max(axes=[2, 3], keep=true)'),
  called('reduce_min ReduceMin amin', 'min(axes=[2, 3], keep=true)'),
  called('narrow Cropping2D strided_slice', 'slice(axis=1, from=0, to=2)'),
  called('nn.Identity', 'identity'),
  called(
    'nn.Sequential ModuleList',
    'seq { conv(16, k=3); bn; relu }',
    'it stands behind `|>`, its stages behind `;` or on lines of their own',
  ),
];

/** Expressions: each `here` computes from x and y of [N, C, H, W]. */
export const values: readonly Foreign[] = [
  called('torch.cat Concatenate Concat concatenate', 'concat(x, y, axis=1)'),
  called('torch.chunk', 'split(x, parts=2)'),
  called('torch.add Add', 'x + y'),
  called('torch.sub Subtract', 'x - y'),
  called('torch.mul Multiply', 'x * y'),
  called('torch.div true_divide divide', 'x / y'),
  called('Maximum', 'max(x, y)'),
  called('Minimum', 'min(x, y)'),
  called('square', 'x * x'),
  called('reciprocal', '1.0 / x'),
  called('rsqrt', '1.0 / sqrt(x)'),
  called('True', 'true'),
  called('False', 'false'),
  called('None null nil', 'none'),
  called('valid', '0', 'no padding'),
];

/** What there is not, with expressions that compute the same, or words about what comes nearest. */
export const absent: readonly Foreign[] = [
  missing(
    'nn.SELU F.selu',
    'there is no `selu`; it is `1.0507009873554805 * elu(x, alpha=1.6732632423543772)`',
    '1.0507009873554805 * elu(x, alpha=1.6732632423543772)',
  ),
  missing('nn.CELU F.celu', 'there is no `celu`; with alpha 1 it is `elu(x)`', 'elu(x)'),
  missing('nn.Softsign F.softsign', 'there is no `softsign`; it is `x / (1.0 + abs(x))`', 'x / (1.0 + abs(x))'),
  missing('nn.LogSigmoid F.logsigmoid', 'there is no `logsigmoid`; it is `-softplus(-x)`', '-softplus(-x)'),
  missing('nn.Tanhshrink F.tanhshrink', 'there is no `tanhshrink`; it is `x - tanh(x)`', 'x - tanh(x)'),
  missing(
    'nn.Softshrink F.softshrink',
    'there is no `softshrink`; it is `relu(x - 0.5) - relu(-x - 0.5)`',
    'relu(x - 0.5) - relu(-x - 0.5)',
  ),
  missing('log1p', 'there is no `log1p`; it is `log(1.0 + x)`', 'log(1.0 + x)'),
  missing('expm1', 'there is no `expm1`; it is `exp(x) - 1.0`', 'exp(x) - 1.0'),
  missing('log2', 'there is no `log2`; it is `log(x) * 1.4426950408889634`', 'log(x) * 1.4426950408889634'),
  missing('log10', 'there is no `log10`; it is `log(x) * 0.4342944819032518`', 'log(x) * 0.4342944819032518'),
  missing('exp2', 'there is no `exp2`; it is `exp(x * 0.6931471805599453)`', 'exp(x * 0.6931471805599453)'),
  missing(
    'torch.pow power',
    'there is no power; x squared is `x * x`, and of positive x x^0.75 is `exp(0.75 * log(x))`',
    'exp(0.75 * log(x))',
  ),
  missing(
    'torch.var variance moments',
    'there is no `var`; over height and width it is `mean(x * x, axes=[2, 3]) - mean(x, axes=[2, 3]) * mean(x, axes=[2, 3])`',
    'mean(x * x, axes=[2, 3]) - mean(x, axes=[2, 3]) * mean(x, axes=[2, 3])',
  ),
  missing(
    'logsumexp ReduceLogSumExp',
    'there is no `logsumexp`; it is `log(sum(exp(x), axes=1))`',
    'log(sum(exp(x), axes=1))',
  ),
  missing(
    'F.normalize l2_normalize LpNormalization',
    'tensors have no `normalize`; over the channels it is `x / max(sqrt(sum(x * x, axes=1, keep=true)), 1e-12)`',
    'x / max(sqrt(sum(x * x, axes=1, keep=true)), 1e-12)',
  ),
  missing('nn.GLU F.glu', 'there is no `glu`; with `let (a, b) = split(x, parts=2)` it is `a * sigmoid(b)`'),
  missing(
    'torch.where select',
    'there is no `where`: comparisons of tensors are not part of the language; `max`, `min`, `relu` and `clip` choose by size',
  ),
  missing(
    'lrn nn.LocalResponseNorm local_response_norm',
    'there is no local response normalisation; what came after it is `bn`, the nearest thing',
  ),
  missing(
    'reflect ReflectionPad2d reflection_pad replicate ReplicationPad2d replication_pad circular symmetric',
    'borders have one constant value: `pad(1)`; there is no other mode',
  ),
  missing(
    'same_lower',
    'there is no `same_lower`; `pad(1, 1, 0, 0)` in front of a layer with `pad=0` says which sides have the border',
  ),
  missing(
    'bicubic cubic lanczos trilinear area nearest_exact antialias',
    'modes are `nearest` and `bilinear`, which is the nearest to it',
  ),
  missing(
    'einsum matmul bmm mm MatMul tensordot dot',
    'there is no product of two tensors by rows and columns; `linear` and `conv(k=1)` multiply by weights, and `sum(x * y, axes=...)` sums products',
  ),
  missing(
    'attention MultiheadAttention MultiHeadAttention self_attention scaled_dot_product_attention Transformer TransformerEncoderLayer TransformerEncoder',
    'there is no attention: the language is about convolutional networks',
  ),
  missing(
    'nn.LSTM nn.GRU nn.RNN lstm_cell gru_cell rnn_cell ConvLSTM2D',
    'there are no recurrent layers: the language is about convolutional networks',
  ),
  missing('nn.Embedding embedding_bag', 'there are no embeddings: inputs are pictures'),
  missing(
    'nn.Conv1d F.conv1d Conv1D MaxPool1d AvgPool1d',
    'there are no layers for sequences; a row of pixels is f32[N, C, 1, L], with kernels such as `k=(1, 3)`',
  ),
  missing(
    'nn.Conv3d F.conv3d Conv3D MaxPool3d AvgPool3d BatchNorm3d ConvTranspose3d',
    'there are no layers for volumes: pictures have height and width',
  ),
  missing(
    'nn.Dropout2d SpatialDropout2D feature_dropout AlphaDropout',
    'there is no dropout of whole channels; `dropout(50%)` zeroes single values',
  ),
  missing(
    'DropPath StochasticDepth stochastic_depth drop_connect',
    'there is no stochastic depth; `dropout` is the nearest thing',
  ),
  missing('argmax argmin topk sort argsort nonzero', 'a model gives scores; `cnnc run` and `cnnc eval` rank them'),
  missing(
    'gather scatter index_select one_hot take take_along_axis',
    'there is no access by computed indices; `slice(x, axis=1, from=0, to=2)` takes a fixed part',
  ),
  missing(
    'unsqueeze expand_dims squeeze',
    'axes of size 1 come and go by `reshape(x, N, C, H, W, 1)`',
    'reshape(x, N, C, H, W, 1)',
  ),
  missing('torch.stack', 'there is no `stack`; `concat` joins along an axis that is there, which `reshape` can make'),
  missing('expand repeat tile broadcast_to expand_as', 'there is no `expand`: `+ - * /` broadcast by themselves'),
  missing(
    'roll flip rot90 fliplr flipud',
    'tensors are not turned or mirrored; `augment` does so with training pictures',
  ),
  missing(
    'torch.sin torch.cos torch.tan arctan atan erf torch.sign',
    'this function is not among the ops; `cnnc ops` lists them',
  ),
  missing('cumsum prod cumprod', 'there is no running sum and no product; `sum` and `mean` reduce over axes'),
  missing(
    'PixelUnshuffle pixel_unshuffle SpaceToDepth',
    'there is no `pixel_unshuffle`; `conv(16, k=2, stride=2, pad=0)` brings blocks of pixels into channels with weights',
  ),
  missing(
    'nn.MaxUnpool2d max_unpool LPPool2d FractionalMaxPool2d',
    'there is no such pool; `max_pool`, `avg_pool`, `global_avg_pool` and `adaptive_avg_pool` there are',
  ),
  missing('weight_norm spectral_norm', 'weights are not reparametrised; `regularize` holds them down'),
  missing('super print', 'models say what is computed, and nothing else; `cnnc inspect` prints the layers'),
  missing(
    'torch.zeros torch.ones torch.rand torch.randn torch.tensor nn.Parameter np.array full arange',
    'tensors come from inputs and layers; numbers broadcast, as in `x * 0.5`',
  ),
  missing('range', 'a range is written `0..n`'),
];
