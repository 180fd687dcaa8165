/** Sums over images and pixels, one a channel: moments, the sums of batch normalisation's gradient, plain sums. */
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import {
  channelMoments,
  channelSums as channelSumsOp,
  partialMoments,
  partialSums,
  reduceMean,
  reduceSum,
} from '../../ops/index.ts';
import { ceilDivide, channelGroups, multiplyExtents, type Kernel, type Placement } from '../kernel.ts';
import { linesOf, nameLines, walkLines } from '../shader/pixel-lines.ts';
import { beginShader, unroll, walk, type Shader } from '../shader/wgsl.ts';
import { keepNaN } from '../../ops/rules/not-finite.ts';

type Form = 'moments' | 'gradient' | 'sum' | 'mean';

interface ChannelSum {
  readonly form: Form;
  /** Rows of pixels in a part; undefined where the result is that of all pixels. */
  readonly rows: number | undefined;
}

/** Every axis but that of the channels, which stay where they are. */
function reducesPixels(node: Node, axes: readonly number[], keepDims: boolean): boolean {
  const rank = node.inputs[0]?.type.shape.length ?? 0;
  return keepDims && rank > 1 && axes.length === rank - 1 && !axes.includes(1);
}

function readChannelSum(node: Node): ChannelSum | undefined {
  if (node.op.name === channelMoments.name) return { form: 'moments', rows: undefined };
  if (node.op.name === channelSumsOp.name) return { form: 'gradient', rows: undefined };
  if (isOp(node, partialMoments)) return { form: 'moments', rows: node.attrs.rows };
  if (isOp(node, partialSums)) {
    return { form: node.inputs.length > 1 ? 'gradient' : 'sum', rows: node.attrs.rows };
  }
  if (!isOp(node, reduceSum) && !isOp(node, reduceMean)) return undefined;
  if (!reducesPixels(node, node.attrs.axes, node.attrs.keepDims)) return undefined;
  return { form: isOp(node, reduceSum) ? 'sum' : 'mean', rows: undefined };
}

/** `slices`: invocations that share one channel group of one part; 1 needs no workgroup memory. */
export type ChannelSumSchedule = { readonly slices: number };

/** Channel groups of a workgroup where invocations share them; else invocations of a workgroup. */
const [sharedGroups, softwareLanes] = [4, 8];

const outputs: Readonly<Record<Form, number>> = { moments: 2, gradient: 2, sum: 1, mean: 1 };

export const channelSums: Kernel<ChannelSumSchedule> = {
  name: 'channel-sums',
  implements: ['channelMoments', 'partialMoments', 'channelSums', 'partialSums', 'reduceSum', 'reduceMean'],
  profiles: ['software', 'gpu'],
  supports: (node) => readChannelSum(node) !== undefined,
  schedules: (_node, profile) => (profile === 'gpu' ? [{ slices: 64 }] : [{ slices: 1 }]),
  emit(request, { slices }) {
    const sum = readChannelSum(request.node);
    const placements = request.operands.slice(0, sum?.form === 'gradient' ? 2 : 1);
    const data = placements.filter((placement) => placement !== undefined);
    if (!sum || data.length < placements.length) throw new TypeError(`${request.node.op.name} has no placed operand`);
    const shader = beginShader(request);
    const buffers = data.map((_, index) => shader.operand(index));
    const lines = linesOf(data, sum.rows);
    const names = nameLines(shader, lines);
    const walks = data.map((placement) => walkLines(shader, placement, lines, names));
    const groups = channelGroups(request.result.channels);
    const groupCount = shader.u32(groups);
    const shift = shiftText(shader, sum, request.operands[2], buffers[0] ?? '', walks[0]?.start('first') ?? '');
    const shared = slices > 1;
    const finish = finishText(shader, sum, request.result, `min(${names.pixels}, (part + 1u) * size) - part * size`);
    const body = `
${
  shared
    ? `  let part = group.y;
  let own = group.x * ${sharedGroups}u + local.x;
  let c = min(own, ${groupCount} - 1u);`
    : `  let part = invocation.x / ${groupCount};
  let c = invocation.x % ${groupCount};
  if (part >= ${names.parts}) { return; }`
}
  let first = part * ${names.perPart};
  let size = ${names.perPart} * ${names.columns};
${shift}
${unroll(outputs[sum.form], (index) => `  var s${index} = vec4f();`)}
  for (var line = first; line < min(first + ${names.perPart}, ${names.count}); line++) {
${walks.map(({ start }, index) => `    let a${index} = ${start('line')} + c;`).join('\n')}
    let end = min(${names.columns}, ${names.pixels} - line * ${names.columns});
    for (var j = ${shared ? 'local.y' : '0u'}; j < end; j += ${slices}u) {
${walks.map(({ pixel }, index) => `      let v${index} = ${buffers[index]}[a${index} + j * ${pixel}];`).join('\n')}
${addText(sum.form)}
    }
  }
${shared ? shareText(shader, slices, outputs[sum.form], groupCount) : ''}
${finish}`;
    const workgroups = shared
      ? ([ceilDivide(groups, sharedGroups), lines.parts, 1] as const)
      : ([ceilDivide(multiplyExtents(lines.parts, groups), softwareLanes), 1, 1] as const);
    return shader.finish({
      workgroupSize: shared ? [sharedGroups, slices, 1] : [softwareLanes, 1, 1],
      workgroups,
      body,
    });
  },
};

// Distances from the part's first pixel, not the values: squares of values would lose the variance of a channel whose
// mean is large. Each part has its own, so that one odd pixel spoils at most its own part.
function shiftText(shader: Shader, sum: ChannelSum, moments: Placement | undefined, x: string, start: string): string {
  if (sum.form === 'moments') return `  let shift = ${x}[${start} + c];`;
  if (sum.form !== 'gradient') return '';
  if (!moments) throw new TypeError('the moments have no place in memory');
  return `  let shift = ${shader.operand(2)}[${walk(shader, moments).origin} + c];`;
}

const addText = (form: Form): string => {
  if (form === 'moments') return '      let d = v0 - shift;\n      s0 += d;\n      s1 += d * d;';
  return form === 'gradient' ? '      s0 += v0;\n      s1 += v0 * (v1 - shift);' : '      s0 += v0;';
};

/** Adds the sums of a workgroup's slices by a tree of fixed order; the first slice goes on. */
function shareText(shader: Shader, slices: number, sums: number, groupCount: string): string {
  shader.declare(unroll(sums, (index) => `var<workgroup> w${index}: array<vec4f, ${sharedGroups * slices}>;`));
  return `${unroll(sums, (index) => `  w${index}[lane] = s${index};`)}
  for (var half = ${slices / 2}u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (local.y < half) {
${unroll(sums, (index) => `      w${index}[lane] += w${index}[lane + half * ${sharedGroups}u];`)}
    }
  }
  if (local.y > 0u || own >= ${groupCount}) { return; }
${unroll(sums, (index) => `  s${index} = w${index}[lane];`)}`;
}

function finishText(shader: Shader, { form, rows }: ChannelSum, result: Placement, count: string): string {
  const y = shader.result();
  const to = walk(shader, result);
  const store = (row: string, value: string): string => `  ${y}[${to.origin} + (${row}) * ${to.image} + c] = ${value};`;
  const part = rows === undefined ? '0u' : 'part';
  if (form === 'sum') return store(part, 's0');
  if (form === 'mean') return store(part, `s0 / f32(${count})`);
  if (form === 'gradient') return [store(`2u * ${part}`, 's0'), store(`2u * ${part} + 1u`, 's1')].join('\n');
  const lines = [
    `  let n = f32(${count});`,
    '  let mean = s0 / n;',
    `  let squares = ${keepNaN('max(s1 - s0 * mean, vec4f())', '(s1 - s0 * mean)')};`,
    store(rows === undefined ? '0u' : '2u * part', 'shift + mean'),
  ];
  if (rows !== undefined) return [...lines, store('2u * part + 1u', 'squares')].join('\n');
  return [...lines, store('1u', 'squares / n'), store('2u', 'squares / max(n - 1.0, 1.0)')].join('\n');
}
