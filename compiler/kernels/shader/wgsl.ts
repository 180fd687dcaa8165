/** Builds one compute shader: a uniform block, storage bindings and a main function. */
import {
  imageStride,
  pixelOrigin,
  rowStride,
  type BindingSource,
  type Extent,
  type KernelCode,
  type KernelRequest,
  type PackedConstant,
  type Placement,
  type StorageBinding,
  type UniformWord,
} from '../kernel.ts';

/**
 * Every size goes through the uniform block instead of the text, so that layers of different shape share one
 * pipeline: creating a pipeline costs more than running it a hundred times.
 */
export interface Shader {
  /** A u32 of the uniform block; returns the expression that reads it. */
  u32(value: Extent): string;
  f32(value: number): string;
  /** The array of an operand, of `vec4f` unless said. Operands in one buffer share a binding: no writable aliases. */
  operand(index: number, element?: string): string;
  /** The array that the kernel writes, of `vec4f` unless said. */
  result(element?: string): string;
  /** Sixteen bytes of zeros, writable like an operand. */
  zeros(element?: string): string;
  constant(constant: PackedConstant, element?: string): string;
  /** A module-scope declaration, such as a function or workgroup memory. */
  declare(text: string): void;
  finish(main: {
    readonly workgroupSize: readonly [number, number, number];
    readonly workgroups: readonly [Extent, Extent, Extent];
    /** Statements; `group`, `local` and `invocation` are the builtins of the same meaning, `lane` the local index. */
    readonly body: string;
    readonly overrun?: number;
  }): KernelCode;
}

export function beginShader(request: Pick<KernelRequest, 'buffers' | 'resultBuffer'>): Shader {
  const uniforms: UniformWord[] = [];
  const bindings: (StorageBinding & { readonly element: string })[] = [];
  const declarations: string[] = [];
  const word = (uniform: UniformWord): string => `P.${uniform.type[0]}${uniforms.push(uniform) - 1}`;
  const bind = (source: BindingSource, access: 'read' | 'read_write', element = 'vec4f'): string =>
    `B${bindings.push({ source, access, element })}`;
  const operands = new Map<number | undefined, string>();
  return {
    u32: (value) => word({ type: 'u32', value }),
    f32: (value) => word({ type: 'f32', value }),
    operand: (index, element) => {
      const buffer = request.buffers[index];
      const name = operands.get(buffer) ?? bind({ kind: 'operand', index }, 'read_write', element);
      operands.set(buffer, name);
      return name;
    },
    result: (element) => {
      const buffer = request.resultBuffer;
      const shared = buffer === undefined ? undefined : operands.get(buffer);
      const name = shared ?? bind({ kind: 'result' }, 'read_write', element);
      if (buffer !== undefined) operands.set(buffer, name);
      return name;
    },
    zeros: (element) => bind({ kind: 'zeros' }, 'read_write', element),
    constant: (constant, element) => bind({ kind: 'constant', constant }, 'read', element),
    declare: (text) => void declarations.push(text),
    finish: ({ workgroupSize, workgroups, body, overrun = 0 }) => ({
      wgsl: renderModule(uniforms, bindings, declarations, workgroupSize, body),
      workgroupSize,
      workgroups,
      bindings: bindings.map(({ access, source }) => ({ access, source })),
      uniforms,
      overrun,
    }),
  };
}

function renderModule(
  uniforms: readonly UniformWord[],
  bindings: readonly (StorageBinding & { readonly element: string })[],
  declarations: readonly string[],
  workgroupSize: readonly number[],
  body: string,
): string {
  const fields = uniforms.map(({ type }, index) => `${type[0]}${index}: ${type}`).join(', ');
  // A block must not be empty, and WebGPU wants every layout entry that the pipeline names.
  const block = `struct Params { ${fields || 'unused: u32'} }\n@group(0) @binding(0) var<uniform> P: Params;`;
  const storage = bindings.map(
    ({ access, element }, index) =>
      `@group(0) @binding(${index + 1}) var<storage, ${access}> B${index + 1}: array<${element}>;`,
  );
  return [
    block,
    ...storage,
    ...declarations,
    `@compute @workgroup_size(${workgroupSize.join(', ')})`,
    'fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) local: vec3u,',
    '        @builtin(global_invocation_id) invocation: vec3u, @builtin(local_invocation_index) lane: u32) {',
    body,
    '}',
    '',
  ].join('\n');
}

/** The uniform strides through which a shader walks a value. */
export interface Walk {
  readonly origin: string;
  readonly image: string;
  readonly row: string;
  readonly pixel: string;
}

/** Registers a value's strides; `y` and `x` move the origin, into the halo where negative. */
export function walk(shader: Shader, placement: Placement, y = 0, x = 0): Walk {
  return {
    origin: shader.u32(pixelOrigin(placement, y, x)),
    image: shader.u32(imageStride(placement)),
    row: shader.u32(rowStride(placement)),
    pixel: shader.u32(placement.channelStride),
  };
}

/** Workgroups along x before they go on along y: no device allows fewer than 65535. */
const widestGrid = 32768;

/** A count of workgroups as a grid within every device's limits, and the number of an invocation in it. */
export function splitLanes(
  shader: Shader,
  count: Extent,
  lanes: number,
): { readonly index: string; readonly workgroups: readonly [Extent, Extent] } {
  const across = typeof count === 'number' ? Math.min(count, widestGrid) : count;
  const down = typeof count === 'number' ? Math.ceil(count / widestGrid) : 1;
  return { index: `(group.y * ${shader.u32(across)} + group.x) * ${lanes}u + lane`, workgroups: [across, down] };
}

/** The vec4 index of channel group `c` at image `n`, row `y`, column `x`. */
export const at = (w: Walk, n: string, y: string, x: string, c: string): string =>
  `${w.origin} + ${n} * ${w.image} + ${y} * ${w.row} + ${x} * ${w.pixel} + ${c}`;

/** `[0, 1, ..., count - 1]`, for unrolling. */
export const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Repeats text for 0..count-1, joined by newlines. */
export const unroll = (count: number, line: (index: number) => string): string => range(count).map(line).join('\n');
