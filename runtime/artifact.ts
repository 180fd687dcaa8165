/** The artifact: the only bridge between compiler and runtime. This file is its schema. */
import * as v from 'valibot';
import { artifactStageSchema, budgetLineSchema } from './budget-lines.ts';
import { isPlainName } from './class-names.ts';

/** Bumped whenever an older reader could misread a newer artifact. */
export const artifactVersion = 3;

/**
 * A size that may depend on symbols such as the batch N: a plain number; `ceil(sum / divisor)` where the sum is over
 * coefficient * product(symbols); `ceil(product of sizes / divisor)`; or the sum or the largest of several sizes.
 */
export type Size =
  | number
  | { readonly terms: readonly (readonly [number, readonly string[]])[]; readonly divisor?: number | undefined }
  | { readonly product: readonly Size[]; readonly divisor?: number | undefined }
  | { readonly sum: readonly Size[] }
  | { readonly max: readonly Size[] };

const divisorSchema = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)));
const sizeSchema: v.GenericSchema<Size> = v.union([
  v.number(),
  v.object({ terms: v.array(v.tuple([v.number(), v.array(v.string())])), divisor: divisorSchema }),
  v.object({ product: v.array(v.lazy(() => sizeSchema)), divisor: divisorSchema }),
  v.object({ sum: v.array(v.lazy(() => sizeSchema)) }),
  v.object({ max: v.array(v.lazy(() => sizeSchema)) }),
]);

/**
 * How a value lies in device memory: NHWC, channels in groups of four, with borders. A group is a `vec4f`, or, of i8
 * values, a u32 whose byte `c % 4` is q + 128.
 * Channel `c` of pixel (y, x) of image n is component `c % 4` of the group at
 * `((n * (top + height + bottom) + top + y) * (left + width + right) + left + x) * channelStride + channelOffset + c / 4`.
 * Tensors of other ranks use axis 0 as n, axis 1 as channels, the last axis as width and the rest as height.
 */
const layoutSchema = v.object({
  /** Absent where it is f32. */
  element: v.optional(v.literal('i8')),
  channels: v.number(),
  height: sizeSchema,
  width: sizeSchema,
  /** top, left, bottom, right, in pixels. */
  halo: v.tuple([v.number(), v.number(), v.number(), v.number()]),
  /** Groups from one pixel to the next. */
  channelStride: v.number(),
  /** Groups in front of the value's first channel. */
  channelOffset: v.number(),
});
export type Layout = v.InferOutput<typeof layoutSchema>;

/** A byte range of the arena, 256-aligned for every batch, or of the buffer that a vector of training state has. */
const regionSchema = v.object({ offset: sizeSchema, bytes: sizeSchema, state: v.optional(v.string()) });
export type Region = v.InferOutput<typeof regionSchema>;

const bindingSchema = v.union([v.object({ arena: regionSchema }), v.object({ constant: v.string() })]);
export type Binding = v.InferOutput<typeof bindingSchema>;

/** A tensor of the model's interface or of a step: logical shape (NCHW) and physical place. */
const valueSchema = v.object({
  name: v.string(),
  shape: v.array(sizeSchema),
  region: regionSchema,
  layout: layoutSchema,
  /**
   * Of an input that the session uploads as i8: `clamp(round_half_even(f32(x * f32(1 / scale))) + zeroPoint, -128, 127)`;
   * every byte of its border is `border`.
   */
  quantize: v.optional(v.object({ scale: v.number(), zeroPoint: v.number(), border: v.number() })),
});
export type Value = v.InferOutput<typeof valueSchema>;

const kernelSchema = v.object({
  /** Path inside the artifact, as in `kernels/conv2d-gemm-3f2a.wgsl`. */
  file: v.string(),
  entryPoint: v.string(),
  /** Access of the storage bindings 1, 2, ...; binding 0 is the uniform block. */
  access: v.array(v.picklist(['read', 'read_write'])),
  workgroupSize: v.tuple([v.number(), v.number(), v.number()]),
});

/** A place in the source: file, line and column, both from one. */
const placeSchema = v.object({ file: v.string(), line: v.number(), column: v.number() });
export type Place = v.InferOutput<typeof placeSchema>;

/** One dispatch. */
/** Parts of a training step: up to the loss, from there to the gradients, and what the optimizer then does. */
const phaseSchema = v.picklist(['forward', 'backward', 'update']);
export type Phase = v.InferOutput<typeof phaseSchema>;

const stepSchema = v.object({
  kernel: v.number(),
  /** The ops inside, root first, as in `conv2d+add+relu`. */
  op: v.string(),
  /** Parameter path of the root op; empty where it has none. */
  path: v.string(),
  schedule: v.string(),
  bindings: v.array(bindingSchema),
  /** Words (u32) of the uniform block. */
  uniforms: v.array(sizeSchema),
  workgroups: v.tuple([sizeSchema, sizeSchema, sizeSchema]),
  /** What the step writes. */
  result: valueSchema,
  macs: sizeSchema,
  places: v.array(placeSchema),
  passes: v.array(v.string()),
  /** Only in the step of a training run. */
  phase: v.optional(phaseSchema),
});
export type Step = v.InferOutput<typeof stepSchema>;

export const planSchema = v.object({
  /** Names and values of the WebGPU limits that must hold. */
  limits: v.record(v.string(), v.number()),
  features: v.array(v.string()),
  arena: v.object({
    bytes: sizeSchema,
    /** The largest sum of live values at any step: no plan can be smaller. */
    lowerBoundBytes: sizeSchema,
  }),
  kernels: v.array(kernelSchema),
  steps: v.array(stepSchema),
  inputs: v.array(valueSchema),
  outputs: v.array(valueSchema),
});
/** Everything that one adapter profile needs to run the model. */
export type Plan = v.InferOutput<typeof planSchema>;

/**
 * `picture` comes first and says how a stored picture is taken, its keys absent where the default holds: turned by its
 * orientation, over white, RGB, 0 to 1. `resize` scales the shorter side (one size) or to width and height (two); sizes
 * in pixels.
 */
const preprocessStepSchema = v.variant('op', [
  v.object({
    op: v.literal('picture'),
    orientation: v.optional(v.literal('ignore')),
    alpha: v.optional(v.picklist(['black', 'drop'])),
    channels: v.optional(v.literal('bgr')),
    /** The value of white before `normalize`. */
    scale: v.optional(v.literal(255)),
  }),
  v.object({ op: v.literal('resize'), size: v.union([v.number(), v.tuple([v.number(), v.number()])]) }),
  v.object({ op: v.literal('center_crop'), size: v.number() }),
  v.object({ op: v.literal('normalize'), mean: v.array(v.number()), std: v.array(v.number()) }),
]);
export type PreprocessStep = v.InferOutput<typeof preprocessStepSchema>;

/** The name of a class. */
export const classNameSchema = v.pipe(v.string(), v.check(isPlainName, 'a name of a class is one line of text'));

export const preprocessSchema = v.object({
  steps: v.array(preprocessStepSchema),
  /** Class names in the order of the outputs; absent where the model has none. */
  labels: v.optional(v.array(classNameSchema)),
});
export type Preprocess = v.InferOutput<typeof preprocessSchema>;

/** A fact that the source asserts of a free dimension; `message` is the assert's own, `{name}` placeholders included. */
const guardSchema = v.object({
  symbol: v.string(),
  multipleOf: v.number(),
  quotient: v.string(),
  message: v.optional(v.string()),
});
export type Guard = v.InferOutput<typeof guardSchema>;

/** Size and element type (as in safetensors) of a packed constant; F32 where absent. */
export const constantSchema = v.object({ bytes: v.number(), dtype: v.optional(v.picklist(['I8', 'I32'])) });
export type ConstantInfo = v.InferOutput<typeof constantSchema>;

export const manifestSchema = v.object({
  format: v.literal('cnnc-artifact'),
  version: v.literal(artifactVersion),
  compiler: v.string(),
  model: v.object({
    name: v.string(),
    source: v.string(),
    parameters: v.number(),
    /** Multiply-accumulates of one sample. */
    macs: v.number(),
  }),
  /** Free dimension names, as in `N`. */
  symbols: v.array(v.string()),
  /** What inputs must satisfy at run time: `symbol = multipleOf * quotient`, where the sizes speak of the quotient. */
  guards: v.optional(v.array(guardSchema)),
  preprocess: v.optional(preprocessSchema),
  /** What the source asks of the artifact's figures. */
  budgets: v.optional(v.array(budgetLineSchema)),
  stage: v.optional(artifactStageSchema),
  /** Packed weights: entry of `weights.safetensors` and its size in bytes. */
  constants: v.record(v.string(), constantSchema),
  /** One plan for software adapters (register tiles only), one for GPUs (workgroup tiles). */
  plans: v.object({ software: v.optional(planSchema), gpu: v.optional(planSchema) }),
});
export type Manifest = v.InferOutput<typeof manifestSchema>;
export type ProfileName = keyof Manifest['plans'];

/** A loaded artifact; `constants` maps a name of `manifest.constants` to its bytes. */
export interface Artifact {
  readonly manifest: Manifest;
  /** WGSL by file name as in the manifest. */
  readonly kernels: ReadonlyMap<string, string>;
  readonly constants: ReadonlyMap<string, Uint8Array>;
}

/** The value of a size. Throws a RangeError where a symbol has no value. */
export function evaluateSize(size: Size, symbols: Readonly<Record<string, number>>): number {
  if (typeof size === 'number') return size;
  if ('sum' in size) return size.sum.reduce<number>((sum, part) => sum + evaluateSize(part, symbols), 0);
  if ('max' in size) return Math.max(0, ...size.max.map((part) => evaluateSize(part, symbols)));
  if ('product' in size) {
    const product = size.product.reduce<number>((value, factor) => value * evaluateSize(factor, symbols), 1);
    return Math.ceil(product / (size.divisor ?? 1));
  }
  let sum = 0;
  for (const [coefficient, names] of size.terms) {
    let product = coefficient;
    for (const name of names) {
      const value = symbols[name];
      if (value === undefined) throw new RangeError(`symbol ${name} has no value`);
      product *= value;
    }
    sum += product;
  }
  return Math.ceil(sum / (size.divisor ?? 1));
}
