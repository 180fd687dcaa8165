/** Arguments of layers and functions in other frameworks. */

/** The first of the names here that the op has is what it is called. */
export const argumentNames: readonly { readonly names: readonly string[]; readonly here: readonly string[] }[] = [
  { names: ['out_channels', 'out_features', 'filters', 'units', 'planes', 'num_output'], here: ['out'] },
  { names: ['kernel_size', 'kernel', 'kernel_shape', 'pool_size', 'ksize', 'filter_size'], here: ['k'] },
  { names: ['padding', 'pads', 'auto_pad'], here: ['pad'] },
  { names: ['strides', 'subsample'], here: ['stride'] },
  { names: ['dilation_rate', 'dilations'], here: ['dilation'] },
  { names: ['group', 'num_groups', 'n_groups'], here: ['groups'] },
  { names: ['use_bias', 'bias_term'], here: ['bias'] },
  { names: ['output_padding'], here: ['output_pad'] },
  { names: ['epsilon'], here: ['eps'] },
  { names: ['ceil_mode'], here: ['ceil'] },
  { names: ['count_include_pad'], here: ['count_pad'] },
  { names: ['negative_slope'], here: ['alpha'] },
  { names: ['rate', 'prob', 'drop_rate', 'ratio'], here: ['p'] },
  { names: ['dim', 'axes', 'axis', 'dims'], here: ['axis', 'axes'] },
  { names: ['keepdim', 'keepdims', 'keep_dims'], here: ['keep'] },
  { names: ['min_val', 'min_value', 'lo', 'low'], here: ['min'] },
  { names: ['max_val', 'max_value', 'hi', 'high'], here: ['max'] },
  { names: ['upscale_factor', 'blocksize', 'block_size', 'scale'], here: ['r'] },
  { names: ['interpolation'], here: ['mode'] },
  { names: ['chunks', 'num', 'num_or_size_splits', 'num_outputs'], here: ['parts'] },
  { names: ['split_size_or_sections', 'split'], here: ['sizes'] },
  { names: ['start', 'starts', 'begin'], here: ['from'] },
  { names: ['end', 'ends', 'stop'], here: ['to'] },
];

/** Arguments that say nothing here, and may be left out whatever their value. */
export const neutralArguments: readonly { readonly names: readonly string[]; readonly why: string }[] = [
  {
    names: [
      'in_channels',
      'in_features',
      'num_features',
      'num_channels',
      'num_parameters',
      'normalized_shape',
      'input_shape',
      'input_dim',
    ],
    why: 'it follows from the input',
  },
  { names: ['inplace', 'device', 'dtype', 'training'], why: 'there is no such choice here' },
];

/** Arguments that change what is computed and have no counterpart. */
export const otherArguments: readonly { readonly names: readonly string[]; readonly help: string }[] = [
  { names: ['activation', 'act'], help: 'the activation follows as a stage of its own, as in `|> relu`' },
  { names: ['padding_mode'], help: 'borders are zeros; `pad(1, value=0.5)` in front makes others' },
  { names: ['data_format'], help: 'tensors are [N, C, H, W], channels first' },
  {
    names: ['scale_factor', 'size', 'output_size'],
    help: 'sizes are given as `h` and `w`, as in `resize(2 * H, 2 * W)` or `adaptive_avg_pool(7, 7)`',
  },
  {
    names: ['align_corners'],
    help: 'corners are never aligned, which is the default of PyTorch: leave `align_corners=false` out',
  },
  {
    names: ['affine', 'elementwise_affine', 'center', 'scale', 'track_running_stats'],
    help: 'scale and shift are always there but in `instance_norm`, running statistics in `bn` alone',
  },
  { names: ['return_indices'], help: 'pools give values alone' },
  { names: ['name', 'label'], help: 'a name stands in front of the stage, as in `stem: conv(16, k=3)`' },
  {
    names: ['kernel_initializer', 'bias_initializer', 'weight_init', 'kernel_regularizer'],
    help: 'weights begin as in PyTorch; `regularize` of a training holds them down',
  },
];
