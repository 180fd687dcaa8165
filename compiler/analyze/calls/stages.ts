/** Runs stages of a pipeline: calls, `seq` with its positions, and static `for` and `if` that splice their stages. */
import type { CallStage, Expression, ForStage, SeqStage, Stage } from '../../../grammar/ast.ts';
import type { CallArgument } from './arguments.ts';
import { evaluateArguments, evaluateCondition } from '../values/conditions.ts';
import { invoke } from './invoke.ts';
import { checkClaims } from '../names/labels.ts';
import { lookUpFile } from '../load.ts';
import { lookUp } from '../names/look-up.ts';
import { claimSlot, labelSlot, positionNaming, type Slot } from '../names/naming.ts';
import { childScope, countTurn, evaluateIn, limits, lookUpLocal, report, type Scope } from '../names/scope.ts';
import { bindPattern } from '../values/statements.ts';
import { describeKind, elementsOf, errorValue, formatValue, isNumber, type Value } from '../values/values.ts';

/** A `seq` that is running: its place and the position of its next stage. */
interface Sequence {
  readonly slot: Slot;
  next: number;
}

/** One stage of a pipeline outside a `seq`, or a spliced one of `sequence`. */
export function runStage(input: Value, stage: Stage, scope: Scope, sequence?: Sequence): Value {
  switch (stage.kind) {
    case 'call':
    case 'seq': {
      if (!sequence) return runNamed(input, stage, scope);
      const naming = positionNaming(sequence.slot, sequence.next++);
      const result = runNamed(input, stage, { ...scope, naming });
      checkClaims(naming.claims, scope);
      return result;
    }
    case 'for':
      rejectLabel(stage, scope);
      return runLoop(input, stage, scope, sequence);
    case 'if': {
      rejectLabel(stage, scope);
      const holds = evaluateCondition(stage.condition, scope);
      if (holds === undefined) return errorValue;
      return runStages(input, holds ? stage.then : (stage.else ?? []), scope, sequence);
    }
  }
}

function runStages(input: Value, stages: readonly Stage[], scope: Scope, sequence?: Sequence): Value {
  let value = input;
  for (const stage of stages) value = runStage(value, stage, scope, sequence);
  return value;
}

function runNamed(input: Value, stage: CallStage | SeqStage, scope: Scope): Value {
  const { container, claims } = scope.naming;
  const slot = stage.label ? labelSlot(container, stage.label.name) : claimSlot(claims, stage.span);
  if (stage.kind === 'seq') return runStages(input, stage.stages, scope, { slot, next: 0 });
  const callee = lookUp(stage.name.name, stage.name.span, scope);
  const piped: CallArgument = { value: input, span: stage.name.span };
  const args = evaluateArguments(stage.arguments ?? [], scope);
  return invoke(callee, [piped, ...args], { span: stage.span, nameSpan: stage.name.span, slot }, scope);
}

function runLoop(input: Value, stage: ForStage, scope: Scope, sequence?: Sequence): Value {
  const iterable = evaluateIn(scope, stage.iterable);
  if (iterable.kind === 'error') return errorValue;
  const turns = elementsOf(iterable, limits.turns);
  if (!turns) {
    const found = describeKind(iterable);
    const help = isNumber(iterable) ? { help: `write a range: \`0..${formatValue(iterable)}\`` } : {};
    report(scope, 'E0320', stage.iterable.span, `\`for\` runs over a list or a range, not ${found}`, help);
    return errorValue;
  }
  let value = input;
  const written = writtenElements(stage.iterable, scope);
  for (const [index, element] of turns.entries()) {
    countTurn(scope, stage.span);
    const inner = childScope(scope);
    bindPattern(stage.names, stage.destructured, element, written[index]?.span ?? stage.iterable.span, inner);
    value = runStages(value, stage.stages, inner, sequence);
  }
  return value;
}

/** The elements of a list as they stand in the text, where the list is written here or as a constant of the file. */
function writtenElements(iterable: Expression, scope: Scope): readonly Expression[] {
  if (iterable.kind === 'list') return iterable.elements;
  if (iterable.kind !== 'name' || lookUpLocal(scope, iterable.name)) return [];
  const declaration = lookUpFile(scope.module, iterable.name).item?.declaration;
  return declaration?.kind === 'const' && declaration.value.kind === 'list' ? declaration.value.elements : [];
}

function rejectLabel(stage: Stage, scope: Scope): void {
  if (!stage.label || stage.kind === 'call' || stage.kind === 'seq') return;
  const { name, span } = stage.label;
  report(scope, 'E0413', span, `a label names one stage, and \`${stage.kind}\` splices several`, {
    help: `write \`${name}: seq { ${stage.kind} ... }\``,
  });
}
