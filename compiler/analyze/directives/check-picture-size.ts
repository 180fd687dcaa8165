/** Whether what `preprocess` makes of pictures can be the input of its model, as far as the source tells. */
import { diagnostic, type Diagnostic } from '../../../grammar/diagnostics.ts';
import { isInput } from '../../ir/leaves.ts';
import { topologicalOrder, type Graph } from '../../ir/node.ts';
import type { CheckedDirective } from './directives.ts';
import type { PlacedStep, PreprocessStep } from './preprocess-steps.ts';

interface Input {
  readonly model: string;
  readonly channels: number | undefined;
  /** Undefined where the model takes every size. */
  readonly height: number | undefined;
  readonly width: number | undefined;
}

/** What is known of the size behind some steps. */
type Known =
  | { readonly kind: 'any' }
  /** The shorter side alone: the longer one is that of each picture. */
  | { readonly kind: 'shorter'; readonly side: number }
  | { readonly kind: 'both'; readonly width: number; readonly height: number };

/**
 * Faults of sizes and channels: E0605. Warnings: W0017 where pictures of one proportion alone fit, W0018 for a crop that
 * adds black.
 */
export function checkPictureSize(
  model: string,
  steps: readonly PlacedStep[],
  { settings }: Pick<CheckedDirective, 'settings'>,
  graph: Graph | undefined,
): readonly Diagnostic[] {
  const input = graph && imageInput(model, graph);
  // What stands behind `normalize` is a fault of its own.
  const inOrder = steps.slice(0, -1).every(({ step }) => step.op !== 'normalize');
  if (!input || !inOrder) return [];
  return [
    ...checkSides(steps, input),
    ...checkCrops(steps),
    ...checkLists(steps, input),
    ...checkOrder(settings, input),
  ];
}

/** The one input of four dimensions; undefined where the model takes something else. */
function imageInput(model: string, graph: Graph): Input | undefined {
  const [input, second] = topologicalOrder(graph).filter(isInput);
  const [, channels, height, width] = input?.type.shape ?? [];
  if (!input || second || input.type.shape.length !== 4) return undefined;
  const fixed = (size: unknown): number | undefined => (typeof size === 'number' ? size : undefined);
  return { model, channels: fixed(channels), height: fixed(height), width: fixed(width) };
}

function checkSides(steps: readonly PlacedStep[], input: Input): readonly Diagnostic[] {
  let known: Known = { kind: 'any' };
  let last: PlacedStep | undefined;
  for (const placed of steps) {
    known = sizeBehind(known, placed.step);
    if (placed.step.op === 'resize' || placed.step.op === 'center_crop') last = placed;
  }
  const { height, width, model } = input;
  if (!last || known.kind === 'any' || height === undefined || width === undefined) return [];
  const help = `write ${wanted(steps, width, height)}`;
  if (known.kind === 'both') {
    if (known.width === width && known.height === height) return [];
    const message = `pictures are ${known.width}x${known.height} behind this, but \`${model}\` takes ${width}x${height}`;
    return [diagnostic('E0605', last.span, message, { help })];
  }
  const { side } = known;
  if (side !== Math.min(width, height)) {
    const message = `the shorter side of pictures is ${side} behind this, but \`${model}\` takes ${width}x${height}`;
    return [diagnostic('E0605', last.span, message, { help })];
  }
  const shape = width === height ? 'that are square' : `of ${width}:${height}`;
  const message = `only pictures ${shape} become ${width}x${height}, as \`${model}\` takes them: this scales the shorter side to ${side}`;
  return [diagnostic('W0017', last.span, message, { help })];
}

function checkCrops(steps: readonly PlacedStep[]): readonly Diagnostic[] {
  let known: Known = { kind: 'any' };
  return steps.flatMap(({ step, span }) => {
    const before = known;
    known = sizeBehind(known, step);
    if (step.op !== 'center_crop' || before.kind === 'any') return [];
    const least = before.kind === 'both' ? Math.min(before.width, before.height) : before.side;
    if (step.size <= least) return [];
    const message = `this is larger than the pictures, whose shorter side is ${least} here: it adds a black border`;
    return [diagnostic('W0018', span, message, { help: `resize to at least ${step.size}px in front of it` })];
  });
}

function sizeBehind(known: Known, step: PreprocessStep): Known {
  if (step.op === 'center_crop') return { kind: 'both', width: step.size, height: step.size };
  if (step.op !== 'resize') return known;
  if (typeof step.size !== 'number') return { kind: 'both', width: step.size[0], height: step.size[1] };
  if (known.kind !== 'both') return { kind: 'shorter', side: step.size };
  const { width, height } = known;
  const long = Math.trunc((step.size * Math.max(width, height)) / Math.min(width, height));
  return width <= height
    ? { kind: 'both', width: step.size, height: long }
    : { kind: 'both', width: long, height: step.size };
}

/** Steps that fit: a crop keeps its share of what is resized in front of it. */
function wanted(steps: readonly PlacedStep[], width: number, height: number): string {
  if (width !== height) return `\`resize(${width}px, height=${height}px)\``;
  const [first, second] = steps.map(({ step }) => step).filter(({ op }) => op === 'resize' || op === 'center_crop');
  const share =
    first?.op === 'resize' && typeof first.size === 'number' && second?.op === 'center_crop'
      ? Math.max(1, first.size / second.size)
      : 1;
  return `\`resize(${Math.round(width * share)}px)  center_crop(${width}px)\``;
}

function checkLists(steps: readonly PlacedStep[], { model, channels }: Input): readonly Diagnostic[] {
  return steps.flatMap(({ step, span }) => {
    if (step.op !== 'normalize' || channels === undefined) return [];
    const given = step.mean.length;
    if (given === 1 || given === channels || given !== step.std.length) return [];
    const message = `\`mean\` has ${given} values, but \`${model}\` takes ${channels} channel${channels === 1 ? '' : 's'}`;
    const help = channels === 1 ? 'give one value' : `give ${channels} values, or one for all channels`;
    return [diagnostic('E0605', span, message, { help })];
  });
}

function checkOrder(settings: CheckedDirective['settings'], { model, channels }: Input): readonly Diagnostic[] {
  const order = settings.get('channels');
  if (order?.kind !== 'name' || order.value !== 'bgr' || channels === undefined || channels === 3) return [];
  const message = `\`bgr\` is an order of three channels, but \`${model}\` takes ${channels}`;
  return [diagnostic('E0605', order.span, message, { help: 'leave `channels` out' })];
}
