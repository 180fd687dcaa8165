/** Steps that are checked one by one, so that the op which first gives NaN or Inf can be named. */
import { RuntimeFault } from '../errors.ts';
import { allFinite } from './state-tensors.ts';
import { firstNotFinite, nameOf, type NotFinite, type StepTrace } from './trace-step.ts';
import type { Inputs, Run } from './loop/training-run.ts';
import { describeNotFinite, describeRange } from './value-range.ts';

/** A traced step that gave numbers which are not finite: where, and from what. */
export class NotFiniteFault extends RuntimeFault {
  readonly found: NotFinite;

  constructor(found: NotFinite, when: string) {
    super('E0911', 'runtime', `${describeSource(found)} ${when}`, describeOperands(found));
    this.name = 'NotFiniteFault';
    this.found = found;
  }
}

const phaseNames = { forward: 'forward', backward: 'backward', update: 'optimizer' } as const;

function describeSource({ step, result }: NotFinite): string {
  const numbers = describeNotFinite(result.range);
  if (!step) return `${result.name} holds ${numbers} before any op has run`;
  const phase = step.phase === undefined ? '' : `${phaseNames[step.phase]} `;
  return `the ${phase}op ${nameOf(step)} is the first to give ${numbers}`;
}

const shownOperands = 6;

function describeOperands({ step, operands }: NotFinite): string {
  if (!step) return 'look at the data, or at the weights that the run starts from';
  if (operands.length === 0) return 'it reads nothing but constants';
  const shown = operands.slice(0, shownOperands).map(({ name, range }) => `${name} in ${describeRange(range)}`);
  const more = operands.length - shown.length;
  return `it read ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/**
 * One step with a look at its outputs and at the whole state behind it. Throws a NotFiniteFault where a number is not
 * finite: the step is run again from the state before it, one dispatch at a time, and
 * where the trace can refine that, one op at a time.
 */
export async function checkedStep(
  { options: { session }, state }: Run,
  trace: StepTrace,
  inputs: Inputs,
): Promise<void> {
  const before = await session.readState();
  const outputs = (await session.submitStep(inputs, true)) ?? {};
  const after = await session.readState();
  if (allFinite(new Map(Object.entries(outputs))) && allFinite(after)) return;
  session.writeState(before);
  const coarse = await firstNotFinite(trace, inputs, before);
  const found = (coarse?.step && (await trace.refine?.(inputs, before))) ?? coarse;
  const when = `in step ${state.step + 1} of epoch ${state.epoch + 1}`;
  if (found) throw new NotFiniteFault(found, when);
  const message = `loss, gradient or weights are not finite ${when}, but were when the step was run again`;
  throw new RuntimeFault('E0909', 'runtime', message, 'two runs of one step should be equal: please report this');
}
