/** Finds the first dispatch of a step that gives a number which is not finite, and what it read. */
import { evaluateSize, type Plan, type Region, type Step } from '../artifact.ts';
import type { HostTensor } from '../host-tensor.ts';
import type { Visit } from '../trace.ts';
import type { Tensors } from './checkpoint.ts';
import type { StateVectorEntry } from './training-artifact.ts';
import { isFiniteRange, joinedRange, rangeOf, type ValueRange } from './value-range.ts';

type Inputs = Readonly<Record<string, HostTensor>>;

/** What it takes to run a step dispatch by dispatch. */
export interface StepTrace {
  /** Of the program `step`, as the session runs it. */
  readonly plan: Plan;
  readonly vectors: readonly StateVectorEntry[];
  traceStep(inputs: Inputs, visit: Visit): Promise<void>;
  /** The same of a program in which every op is a dispatch of its own, run from `state`. */
  refine?(inputs: Inputs, state: Tensors): Promise<NotFinite | undefined>;
}

/** A tensor that a dispatch read, by the name of an input or of the state, or by the op that made it. */
export interface TracedTensor {
  readonly name: string;
  readonly range: ValueRange;
}

export interface NotFinite {
  /** The dispatch; undefined where an input, or the state before the step, holds such a number. */
  readonly step: Step | undefined;
  readonly result: TracedTensor;
  readonly operands: readonly TracedTensor[];
}

/** Bytes `from` to `to` of the arena or of a vector of state. */
interface Placed {
  readonly state: string | undefined;
  readonly from: number;
  readonly to: number;
}

interface Written extends TracedTensor, Placed {}

/**
 * Runs the step on the session's state, which must be that of `state`, up to the first number that is not finite;
 * undefined where there is none. The session is left in the middle of the step.
 */
export async function firstNotFinite(trace: StepTrace, inputs: Inputs, state: Tensors): Promise<NotFinite | undefined> {
  const memory = [...inputsIn(trace.plan, inputs), ...trace.vectors.flatMap((vector) => tensorsIn(vector, state))];
  const given = memory.find(({ range }) => !isFiniteRange(range));
  if (given) return { step: undefined, result: given, operands: [] };
  let found: NotFinite | undefined;
  await trace.traceStep(inputs, (step, { data }) => {
    const result = written(nameOf(step), rangeOf(data), step.result.region);
    if (isFiniteRange(result.range)) memory.push(result);
    else found = { step, result, operands: operandsOf(step, memory) };
    return found === undefined;
  });
  return found;
}

/** `conv2d+relu of layer1.0`. */
export const nameOf = ({ op, path }: Step): string => (path === '' ? op : `${op} of ${path}`);

function placeOf({ state, offset, bytes }: Region): Placed {
  const from = evaluateSize(offset, {});
  return { state, from, to: from + evaluateSize(bytes, {}) };
}

const written = (name: string, range: ValueRange, region: Region): Written => ({ name, range, ...placeOf(region) });

const inputsIn = (plan: Plan, inputs: Inputs): Written[] =>
  plan.inputs.flatMap(({ name, region }) => {
    const tensor = inputs[name];
    return tensor ? [written(name, rangeOf(tensor.data), region)] : [];
  });

/** A tensor of a vector reaches to the next one. */
function tensorsIn({ name: state, floats, tensors }: StateVectorEntry, values: Tensors): Written[] {
  const inOrder = tensors.toSorted((a, b) => a.offset - b.offset);
  return inOrder.flatMap(({ name, offset }, at) => {
    const tensor = values.get(name);
    const end = inOrder[at + 1]?.offset ?? floats;
    return tensor
      ? [written(name, rangeOf(tensor.data), { state, offset: offset * 4, bytes: (end - offset) * 4 })]
      : [];
  });
}

/** What was written last to each byte that the dispatch reads. */
function operandsOf({ bindings, result, path }: Step, memory: readonly Written[]): TracedTensor[] {
  const own = placeOf(result.region);
  const operands = bindings.flatMap((binding) => {
    if (!('arena' in binding)) return [];
    const place = placeOf(binding.arena);
    // What lay in the arena where the result goes is no operand; a vector of state is updated in place.
    if (place.state === undefined && own.state === undefined && place.from === own.from) return [];
    const found = lastWritten(place, memory);
    return place.state === undefined ? found : ofLayer(place.state, path, found);
  });
  return [...new Map(operands.map((each) => [each.name, each])).values()];
}

/** A dispatch is bound to whole vectors: the tensors of its layer, else all of them as one. */
function ofLayer(vector: string, path: string, tensors: readonly TracedTensor[]): readonly TracedTensor[] {
  const own = tensors.filter(({ name }) => path !== '' && name.startsWith(`${path}.`));
  if (own.length > 0 || tensors.length < 2) return own.length > 0 ? own : tensors;
  return [{ name: vector, range: tensors.map(({ range }) => range).reduce(joinedRange) }];
}

function lastWritten({ state, from, to }: Placed, memory: readonly Written[]): Written[] {
  let open: readonly (readonly [number, number])[] = [[from, to]];
  const found: Written[] = [];
  for (const each of memory.toReversed()) {
    const overlaps = each.state === state && open.some(([start, end]) => each.from < end && each.to > start);
    if (!overlaps) continue;
    found.push(each);
    open = open
      .flatMap(([start, end]): (readonly [number, number])[] => [
        [start, Math.min(end, each.from)],
        [Math.max(start, each.to), end],
      ])
      .filter(([start, end]) => start < end);
  }
  return found.toReversed();
}
