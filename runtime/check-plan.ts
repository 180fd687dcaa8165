/** Whether a manifest fits together: what a schema of its form cannot say. */
import type { ConstantInfo, Guard, Layout, Plan, Region, Size, Step, Value } from './artifact.ts';
import { RuntimeFault } from './errors.ts';

export const manifestFault = (path: string, reason: string): RuntimeFault =>
  new RuntimeFault(
    'E0715',
    'input',
    `the manifest is not valid${path ? ` at ${path}` : ''}: ${reason}`,
    'build the artifact again with this version of cnnc',
  );

/** What a plan may refer to. */
export interface Surroundings {
  /** Where the plan stands, for messages. */
  readonly at: string;
  readonly symbols: readonly string[];
  readonly constants: Readonly<Record<string, ConstantInfo>>;
  /** Names of vectors of training state. */
  readonly state: readonly string[];
}

/** Throws E0715 for a name that is no name (it becomes a key of an object), and for one that comes twice. */
export function checkSymbols(symbols: readonly string[], guards: readonly Guard[] = []): void {
  const names = [...symbols, ...guards.flatMap(({ symbol, quotient }) => [symbol, quotient])];
  const odd = names.find((name) => !/^[A-Za-z]\w*$/.test(name));
  if (odd !== undefined) throw manifestFault('symbols', `'${odd}' is no name of a dimension`);
  if (new Set(symbols).size < symbols.length) throw manifestFault('symbols', 'a name comes twice');
  for (const [at, { multipleOf, quotient }] of guards.entries()) {
    whole(`guards.${at}.multipleOf`, multipleOf, 1);
    if (!symbols.includes(quotient)) throw manifestFault(`guards.${at}`, `no size speaks of ${quotient}`);
  }
}

/** Throws E0715 with the path of the first number, name or reference that cannot be right. */
export function checkPlan(plan: Plan, around: Surroundings): void {
  const { at } = around;
  for (const [name, limit] of Object.entries(plan.limits)) whole(`${at}.limits.${name}`, limit, 0);
  checkSize(`${at}.arena.bytes`, plan.arena.bytes, around);
  checkSize(`${at}.arena.lowerBoundBytes`, plan.arena.lowerBoundBytes, around);
  for (const [index, { workgroupSize }] of plan.kernels.entries()) {
    for (const size of workgroupSize) whole(`${at}.kernels.${index}.workgroupSize`, size, 1);
  }
  for (const [index, step] of plan.steps.entries()) checkStep(`${at}.steps.${index}`, step, plan, around);
  checkPorts(`${at}.inputs`, plan.inputs, around);
  for (const [index, { region, layout, quantize }] of plan.inputs.entries()) {
    const place = `${at}.inputs.${index}`;
    if (region.state !== undefined) throw manifestFault(`${place}.region.state`, 'an input lies in the arena');
    if (layout.element === 'i8' && !quantize) throw manifestFault(`${place}.quantize`, 'an input of i8 needs a scale');
  }
  checkPorts(`${at}.outputs`, plan.outputs, around);
}

function checkStep(at: string, step: Step, { kernels }: Plan, around: Surroundings): void {
  const kernel = kernels[step.kernel];
  if (!kernel) throw manifestFault(`${at}.kernel`, `there is no kernel ${step.kernel}`);
  if (step.bindings.length !== kernel.access.length) {
    const counts = `${step.bindings.length} bindings, and its kernel takes ${kernel.access.length}`;
    throw manifestFault(`${at}.bindings`, counts);
  }
  for (const [index, binding] of step.bindings.entries()) {
    const place = `${at}.bindings.${index}`;
    if ('arena' in binding) checkRegion(`${place}.arena`, binding.arena, around);
    else if (!Object.hasOwn(around.constants, binding.constant))
      throw manifestFault(place, `there is no constant ${binding.constant}`);
    else if (kernel.access[index] !== 'read') throw manifestFault(place, 'a kernel writes to a constant');
  }
  if (step.uniforms.length > 4096) throw manifestFault(`${at}.uniforms`, 'more words than a uniform block holds');
  for (const [index, size] of step.uniforms.entries()) {
    if (typeof size === 'number') whole(`${at}.uniforms.${index}`, size, -(2 ** 31), 2 ** 32 - 1);
    else checkSize(`${at}.uniforms.${index}`, size, around);
  }
  for (const [index, size] of step.workgroups.entries()) checkSize(`${at}.workgroups.${index}`, size, around);
  checkSize(`${at}.macs`, step.macs, around);
  checkValue(`${at}.result`, step.result, around);
}

function checkPorts(at: string, values: readonly Value[], around: Surroundings): void {
  const names = new Set<string>();
  for (const [index, value] of values.entries()) {
    checkValue(`${at}.${index}`, value, around);
    if (names.has(value.name)) throw manifestFault(`${at}.${index}.name`, `${value.name} comes twice`);
    names.add(value.name);
  }
}

function checkValue(at: string, { shape, region, layout, quantize }: Value, around: Surroundings): void {
  for (const [index, size] of shape.entries()) checkSize(`${at}.shape.${index}`, size, around);
  checkRegion(`${at}.region`, region, around);
  checkLayout(`${at}.layout`, layout, around);
  if (!quantize) return;
  if (layout.element !== 'i8') throw manifestFault(`${at}.quantize`, 'of a value that is not i8');
  if (!(quantize.scale > 0 && quantize.scale < Infinity)) throw manifestFault(`${at}.quantize.scale`, 'not above zero');
  whole(`${at}.quantize.zeroPoint`, quantize.zeroPoint, -128, 127);
  whole(`${at}.quantize.border`, quantize.border, 0, 255);
}

function checkLayout(at: string, layout: Layout, around: Surroundings): void {
  const { channels, height, width, halo, channelStride, channelOffset } = layout;
  whole(`${at}.channels`, channels, 1);
  checkSize(`${at}.height`, height, around);
  checkSize(`${at}.width`, width, around);
  for (const side of halo) whole(`${at}.halo`, side, 0);
  whole(`${at}.channelStride`, channelStride, 1);
  whole(`${at}.channelOffset`, channelOffset, 0);
  const groups = Math.ceil(channels / 4);
  // Images of a batch and parts of flat vectors begin anywhere; some of a pixel's channels stay within the pixel.
  const isDense = groups === channelStride;
  if (!isDense && (channelOffset % channelStride) + groups > channelStride) {
    throw manifestFault(at, `${channels} channels from group ${channelOffset} on do not fit ${channelStride} groups`);
  }
}

function checkRegion(at: string, { offset, bytes, state }: Region, around: Surroundings): void {
  checkSize(`${at}.offset`, offset, around);
  checkSize(`${at}.bytes`, bytes, around);
  if (state !== undefined && !around.state.includes(state)) throw manifestFault(`${at}.state`, `there is no ${state}`);
}

/** A number of a size is whole; where it stands alone it is a size itself, and not negative. */
function checkSize(at: string, size: Size, around: Surroundings): void {
  if (typeof size === 'number') return whole(at, size, 0);
  if ('terms' in size) {
    for (const [coefficient, names] of size.terms) {
      whole(at, coefficient, -largest);
      const unknown = names.find((name) => !around.symbols.includes(name));
      if (unknown !== undefined) throw manifestFault(at, `there is no symbol ${unknown}`);
    }
    return;
  }
  const parts = 'product' in size ? size.product : 'sum' in size ? size.sum : size.max;
  for (const part of parts) checkSize(at, part, around);
}

const largest = Number.MAX_SAFE_INTEGER;

export function whole(at: string, value: number, least: number, most = largest): void {
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw manifestFault(at, `${value} is no whole number from ${least} ${most === largest ? 'on' : `to ${most}`}`);
}
