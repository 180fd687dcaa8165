/** Settings with the defaults of the schema filled in, as values of the types that their specs have. */
import type { CallOf, Default, Field, Fields, Functions, Spec, Values } from './directive-spec.ts';
import type { Setting, Settings } from './settings.ts';

type Completed = Readonly<Record<string, unknown>>;

const nothing: Settings = new Map();

/** `weight_decay` as `weightDecay`. */
const camel = (key: string): string => key.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());

/**
 * Every value of a group or call: those given, which passed the checks, and the defaults of the others. Throws a
 * RangeError where one that is required is not there.
 */
export function complete<F extends Fields>(fields: F, given: Settings): Values<F>;
export function complete(fields: Fields, given: Settings): Completed {
  const values: Record<string, unknown> = {};
  // Rules come last, as they may look at anything else.
  const entries = Object.entries(fields).toSorted(([, a], [, b]) => Number(isRule(a)) - Number(isRule(b)));
  for (const [key, field] of entries) {
    const setting = given.get(key);
    values[camel(key)] = setting ? valueOf(field.spec, setting) : defaultOf(key, field, values);
  }
  return values;
}

/** The value of one key, given or not, where what else is there may be wrong. */
export function valueIn<F extends Fields, K extends keyof F & string>(
  fields: F,
  key: K,
  given: Settings,
): F[K] extends Field<infer T> ? T : never;
export function valueIn(fields: Fields, key: string, given: Settings): unknown {
  const field = fields[key];
  const setting = given.get(key);
  return field && (setting ? valueOf(field.spec, setting) : defaultOf(key, field, {}));
}

const isRule = (field: Field): boolean => field.default?.kind === 'rule';

function defaultOf(key: string, { spec, default: fallback }: Field, others: Completed): unknown {
  switch (fallback?.kind) {
    case 'value':
      return fallback.value;
    case 'call':
      return spec.kind === 'call' ? calledWith(spec.functions, fallback.name, nothing) : undefined;
    case 'group':
      return spec.kind === 'group' ? complete(spec.fields, nothing) : undefined;
    case 'rule':
      return fallback.of?.(others);
    case undefined:
      throw new RangeError(`\`${key}\` passed the checks, but is not there`);
  }
}

/** A call with all of its arguments; of a name alone, whose arguments all have defaults. */
export function completeCall<F extends Functions>(
  functions: F,
  call: (keyof F & string) | Extract<Setting, { kind: 'call' }>,
): CallOf<F>;
export function completeCall(functions: Functions, call: string | Extract<Setting, { kind: 'call' }>): Completed {
  return typeof call === 'string' ? calledWith(functions, call, nothing) : calledWith(functions, call.name, call.args);
}

function calledWith(functions: Functions, name: string, args: Settings): Completed {
  const fields = Object.hasOwn(functions, name) ? functions[name] : undefined;
  if (!fields) throw new RangeError(`the call of ${name} passed the checks, but is none`);
  return { kind: name, ...complete(fields, args) };
}

/** A setting as its reader takes it. */
function valueOf(spec: Spec, setting: Setting): unknown {
  switch (setting.kind) {
    case 'number':
      return numberOf(spec, setting);
    case 'bool':
    case 'string':
      return setting.value;
    case 'name':
      // A metric without a part is measured on the validation data.
      if (spec.kind === 'metric' && !setting.value.includes('.')) return `val.${setting.value}`;
      return spec.kind === 'model' ? setting : setting.value;
    case 'list':
      return setting.elements.map((each) => valueOf(elementOf(spec), each));
    case 'call':
      return 'functions' in spec ? calledWith(spec.functions, setting.name, setting.args) : undefined;
    case 'group':
      if (spec.kind === 'items') return setting.items.map((each) => valueOf(spec, each));
      if (spec.kind === 'sizes') return sizesOf(setting.entries);
      return spec.kind === 'group' ? complete(spec.fields, setting.entries) : undefined;
    case 'sum':
      return setting.terms.map(({ weight, loss }) => ({ factor: weight, ...termOf(spec, loss) }));
    case 'model':
      return setting;
  }
}

const termOf = (spec: Spec, loss: Setting): Completed | undefined =>
  spec.kind === 'loss' && loss.kind === 'call' ? calledWith(spec.functions, loss.name, loss.args) : undefined;

function numberOf(spec: Spec, { value, quantity }: Extract<Setting, { kind: 'number' }>): unknown {
  if (spec.kind !== 'number') return value;
  if (spec.sharing) return quantity === 'share' ? { share: value } : value;
  const { units = [] } = spec;
  // A time without a unit counts epochs.
  if (units.includes('steps')) return { value, unit: quantity === 'steps' ? 'steps' : 'epochs' };
  return units.length > 1 ? { value, quantity } : value;
}

/** The spec of an element; a pair is a list of two. */
function elementOf(spec: Spec): Spec {
  if (spec.kind === 'list') return spec.of;
  return spec.kind === 'pairs' ? { kind: 'list', of: spec.of, length: 2 } : { kind: 'string' };
}

const sizesOf = (entries: Settings): Readonly<Record<string, number>> =>
  Object.fromEntries([...entries].flatMap(([name, each]) => (each.kind === 'number' ? [[name, each.value]] : [])));

/** A default as it would be written, or the rule in words; empty where there is none. */
export function defaultText({ spec, default: fallback }: Field): string {
  return fallback ? textOf(spec, fallback) : '';
}

function textOf(spec: Spec, fallback: Default): string {
  switch (fallback.kind) {
    case 'value':
      return valueText(spec, fallback.value);
    case 'call':
      return spec.kind === 'call' ? callText(fallback.name, spec.functions[fallback.name] ?? {}) : '';
    case 'group':
      return '';
    case 'rule':
      return fallback.rule;
  }
}

function callText(name: string, fields: Fields): string {
  const args = Object.entries(fields).flatMap(([key, field]) => {
    const isWritten = field.default !== undefined && !isRule(field);
    return isWritten ? [`${key}=${defaultText(field)}`] : [];
  });
  return args.length > 0 ? `${name}(${args.join(', ')})` : name;
}

function valueText(spec: Spec, value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => valueText(elementOf(spec), each)).join(', ')}]`;
  if (typeof value === 'number') return `${numberText(value)}${unitOf(spec, value)}`;
  if (typeof value !== 'object' || value === null) return String(value);
  return 'unit' in value && 'value' in value ? `${String(value.value)}${String(value.unit)}` : JSON.stringify(value);
}

/** `1e-8` and `10000`: short numbers stand as they are. */
const numberText = (value: number): string =>
  value !== 0 && Math.abs(value) < 1e-2 ? value.toExponential() : String(value);

/** The unit of numbers that have but one; shares go without. */
function unitOf(spec: Spec, value: number): string {
  const [unit, more] = spec.kind === 'number' ? (spec.units ?? []) : [];
  if (more !== undefined) return '';
  return unit === 'epochs' ? (value === 1 ? 'epoch' : 'epochs') : unit === 'pixels' ? 'px' : '';
}
