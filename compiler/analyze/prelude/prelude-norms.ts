/** Prelude ops that normalise or rectify with parameters of their own. Initial values are PyTorch's defaults. */
import type { Node } from '../../ir/node.ts';
import { formatType } from '../../ir/type.ts';
import { batchNorm, constant, groupNorm, layerNorm, prelu, reshape } from '../../ops/language.ts';
import { expectRankAtLeast } from '../../ops/rules/expect.ts';
import { joinNames } from '../names/naming.ts';
import { knownSize } from './prelude-layers.ts';
import {
  argumentOf,
  boolArgument,
  CallFault,
  emit,
  intArgument,
  makeParameter,
  nonNegativeArgument,
  shareArgument,
  tensorArgument,
  type OpCall,
  type PreludeOp,
} from './prelude-call.ts';
import { tensorValue, type Value } from '../values/values.ts';

function runBatchNorm(call: OpCall): Value {
  const x = tensorArgument(call);
  expectRankAtLeast(x.type, 2, 'normalise', '[N, C, ...]');
  const shape = [knownSize(x, 1, 'the number of channels')];
  const attrs = { eps: nonNegativeArgument(call, 'eps', 1e-5), momentum: shareArgument(call, 'momentum', 0.1) };
  const path = call.place.slot.path();
  call.scope.build.bufferNames.push(joinNames(path, 'num_batches_tracked'));
  const operands = [
    ...scaleAndShift(call, path, shape),
    makeParameter(call, path, 'running_mean', shape, { kind: 'zeros' }, { trainable: false }),
    makeParameter(call, path, 'running_var', shape, { kind: 'ones' }, { trainable: false }),
  ];
  return tensorValue(emit(call, batchNorm, [x, ...operands], attrs, path));
}

const scaleAndShift = (call: OpCall, path: string, shape: readonly number[]): Node[] => [
  makeParameter(call, path, 'weight', shape, { kind: 'ones' }),
  makeParameter(call, path, 'bias', shape, { kind: 'zeros' }),
];

function runGroupNorm(call: OpCall): Value {
  const x = tensorArgument(call);
  expectRankAtLeast(x.type, 2, 'normalise', '[N, C, ...]');
  const attrs = { groups: intArgument(call, 'groups', 1), eps: nonNegativeArgument(call, 'eps', 1e-5) };
  const path = call.place.slot.path();
  const operands = scaleAndShift(call, path, [knownSize(x, 1, 'the number of channels')]);
  return tensorValue(emit(call, groupNorm, [x, ...operands], attrs, path));
}

/** Groups of one channel, as torch.nn.InstanceNorm2d(C, affine=...), which keeps no statistics unless told to. */
function runInstanceNorm(call: OpCall): Value {
  const x = tensorArgument(call);
  expectRankAtLeast(x.type, 3, 'normalise', '[N, C, ...]');
  const groups = knownSize(x, 1, 'the number of channels');
  if (x.type.shape.slice(2).every((size) => size === 1)) {
    throw new CallFault('E0310', `one pixel has no variance: \`instance_norm\` of ${formatType(x.type)} is zero`, {
      span: call.place.nameSpan,
      help: 'normalise in front of what pools the pixels, or with `bn` or `group_norm`',
    });
  }
  const attrs = { groups, eps: nonNegativeArgument(call, 'eps', 1e-5) };
  if (!boolArgument(call, 'affine', false)) {
    const filled = (value: number): Node => {
      const tensor = { dtype: 'f32', shape: [groups], data: new Float32Array(groups).fill(value) } as const;
      return emit(call, constant, [], { tensor, name: '' });
    };
    return tensorValue(emit(call, groupNorm, [x, filled(1), filled(0)], attrs));
  }
  const path = call.place.slot.path();
  return tensorValue(emit(call, groupNorm, [x, ...scaleAndShift(call, path, [groups])], attrs, path));
}

/** Over the last `dims` axes, as torch.nn.LayerNorm(x.shape[-dims:]). */
function runLayerNorm(call: OpCall): Value {
  const x = tensorArgument(call);
  const dims = intArgument(call, 'dims', 1, 1);
  const rank = x.type.shape.length;
  if (dims >= rank) {
    const span = argumentOf(call, 'dims')?.span ?? call.place.nameSpan;
    throw new CallFault('E0307', `a tensor of rank ${rank} has no ${dims} axes behind the batch`, {
      span,
      help: `write at most \`dims=${rank - 1}\``,
    });
  }
  const shape = Array.from({ length: dims }, (_, at) => knownSize(x, at - dims, 'the size of a normalised axis'));
  const path = call.place.slot.path();
  const operands = scaleAndShift(call, path, shape);
  return tensorValue(emit(call, layerNorm, [x, ...operands], { eps: nonNegativeArgument(call, 'eps', 1e-5) }, path));
}

/** One slope a channel, or for all, as torch.nn.PReLU(C) and PReLU(), which start at 0.25 (He et al. 2015). */
function runPrelu(call: OpCall): Value {
  const x = tensorArgument(call);
  expectRankAtLeast(x.type, 2, 'rectify', '[N, C, ...]');
  const slopes = boolArgument(call, 'shared', false) ? 1 : knownSize(x, 1, 'the number of channels');
  const path = call.place.slot.path();
  const weight = makeParameter(call, path, 'weight', [slopes], { kind: 'constant', value: 0.25 }, { isSpread: true });
  const shape = x.type.shape.map((_, axis) => (axis === 1 ? slopes : 1));
  return tensorValue(emit(call, prelu, [x, emit(call, reshape, [weight], { shape }, path)], {}, path));
}

const x = { name: 'x' };

export const norms: readonly PreludeOp[] = [
  {
    name: 'bn',
    summary: 'batch normalisation over axis 1',
    parameters: [x, { name: 'eps', default: '1e-5' }, { name: 'momentum', default: '0.1' }],
    positional: 1,
    run: runBatchNorm,
  },
  {
    name: 'group_norm',
    summary: 'normalisation over groups of the channels of each image',
    parameters: [x, { name: 'groups' }, { name: 'eps', default: '1e-5' }],
    positional: 1,
    run: runGroupNorm,
  },
  {
    name: 'instance_norm',
    summary: 'normalisation of each channel of each image; `affine` adds a learnt scale and shift',
    parameters: [x, { name: 'eps', default: '1e-5' }, { name: 'affine', default: 'false' }],
    positional: 1,
    run: runInstanceNorm,
  },
  {
    name: 'layer_norm',
    summary: 'normalisation over the last `dims` axes',
    parameters: [x, { name: 'dims', default: '1' }, { name: 'eps', default: '1e-5' }],
    positional: 1,
    run: runLayerNorm,
  },
  {
    name: 'prelu',
    summary: 'x where x > 0, elsewhere x times a slope learnt for each channel, or with `shared` for all of them',
    parameters: [x, { name: 'shared', default: 'false' }],
    positional: 1,
    run: runPrelu,
  },
];
