/** Tables of directives, budgets and units, from the schema that checks them. */
import { units, type Quantity } from '../../../../grammar/units.ts';
import { budgetMetrics } from '../../../analyze/directives/budget.ts';
import {
  directiveSchemas,
  lossFunctions,
  metricNames,
  splitNames,
  trainingFields,
  type DirectiveSchema,
  type Fields,
  type Functions,
  type Spec,
} from '../../../analyze/directives/directive-schema.ts';
import { code, markdownTable } from './markdown.ts';
import { defaultText } from '../../../analyze/directives/complete.ts';

const trainingTitle = 'Settings of a training';
const trainingLink = '[settings of a training](#settings-of-a-training)';

export function directiveSections(): string {
  const functions = new Map<Functions, string>();
  const sections = Object.entries(directiveSchemas).flatMap(([word, schema]) => {
    const section = directiveSection(word, schema, functions);
    return word === 'train' ? [section, trainingSection(functions)] : [section];
  });
  functions.set(lossFunctions, 'loss');
  const calls = [...functions].map(([table, key]) => functionSection(key, table));
  return [...sections, '### Values that are calls', ...calls].join('\n\n');
}

/** What directives and groups share is printed once. */
function trainingSection(functions: Map<Functions, string>): string {
  const takers = Object.entries(directiveSchemas).flatMap(([word, { fields }]) => [
    ...(sharesTraining(fields) ? [word] : []),
    ...Object.entries(fields).flatMap(([key, { spec }]) =>
      spec.kind === 'group' && spec.fields === trainingFields ? [`${word}.${key}`] : [],
    ),
  ]);
  const rows = fieldRows(trainingFields, '', functions, true);
  const table = markdownTable(['key', 'value', 'default', 'meaning'], rows);
  return `### ${trainingTitle}\n\nKeys of ${names(takers)}.\n\n${table}`;
}

const ofTraining: Fields = trainingFields;
const isShared = (key: string, field: Fields[string]): boolean => ofTraining[key] === field;
const sharesTraining = (fields: Fields): boolean => Object.entries(fields).some(([key, field]) => isShared(key, field));

function directiveSection(word: string, schema: DirectiveSchema, functions: Map<Functions, string>): string {
  const name = schema.name === 'none' ? '' : schema.name === 'required' ? ' NAME' : ' [NAME]';
  const target = schema.target === 'none' ? '' : ` for ${schema.target === 'model' ? 'MODEL' : 'MODEL_OR_STAGE'}`;
  const items = schema.items
    ? ['', `Entries: ${names(Object.keys(schema.items))}, in the order they are written.`]
    : [];
  if (schema.items) functions.set(schema.items, `entries of ${word}`);
  const compared = schema.constraints ? ['', 'Entries: comparisons of a figure with a limit, see below.'] : [];
  const shared = sharesTraining(schema.fields)
    ? ['', `Takes the ${trainingLink}, unless they stand here anew, and:`]
    : [];
  const rows = fieldRows(schema.fields, '', functions);
  const table = markdownTable(['key', 'value', 'default', 'meaning'], rows);
  return [
    `### ${code(`${word}${name}${target}`)}`,
    '',
    sentence(schema.doc),
    ...items,
    ...compared,
    ...shared,
    '',
    table,
  ].join('\n');
}

/** Without those of a training, unless they are what is listed. */
function fieldRows(fields: Fields, prefix: string, functions: Map<Functions, string>, withShared = false): string[][] {
  return Object.entries(fields).flatMap(([key, field]) => {
    if (!withShared && isShared(key, field)) return [];
    const { spec, doc } = field;
    const name = `${prefix}${key}`;
    if (spec.kind === 'call' || spec.kind === 'items') remember(spec.functions, name, functions);
    const isTraining = spec.kind === 'group' && spec.fields === trainingFields;
    const row = [code(name), isTraining ? `group of ${trainingLink}` : typeText(spec), withoutText(field), doc];
    if (isTraining) return [row];
    return spec.kind === 'group' ? [row, ...fieldRows(spec.fields, `${name}.`, functions)] : [row];
  });
}

function remember(table: Functions, name: string, functions: Map<Functions, string>): void {
  if (!functions.has(table)) functions.set(table, name.split('.').at(-1) ?? name);
}

function functionSection(key: string, table: Functions): string {
  const rows = Object.entries(table).flatMap(([name, fields]) => {
    const parameters = Object.entries(fields);
    if (parameters.length === 0) return [[code(name), '', '', '', '']];
    return parameters.map(([parameter, field], at) => [
      at === 0 ? code(name) : '',
      code(parameter),
      typeText(field.spec),
      withoutText(field),
      field.doc,
    ]);
  });
  return `**${key}**\n\n${markdownTable(['call', 'parameter', 'value', 'default', 'meaning'], rows)}`;
}

/** What holds without it: values as they are written, rules in words. */
function withoutText(field: Fields[string]): string {
  if (field.required) return '*required*';
  const written = defaultText(field);
  return field.default?.kind === 'rule' || written === '' ? written : code(written);
}

/** What a value may be, in words. */
function typeText(spec: Spec): string {
  switch (spec.kind) {
    case 'number':
      return numberText(spec);
    case 'bool':
      return '`true` or `false`';
    case 'choice':
      return names(spec.names, 'or');
    case 'call':
      return names(Object.keys(spec.functions), 'or');
    case 'items':
      return `group of ${names(Object.keys(spec.functions), 'or')}`;
    case 'list':
      return `list of ${spec.length === undefined ? '' : `${spec.length} times `}${typeText(spec.of)}`;
    case 'pairs':
      return `list of pairs of ${typeText(spec.of)}`;
    case 'reference': {
      const members = spec.members
        ? `, with ${names(
            spec.members.map((member) => `.${member}`),
            'or',
          )}`
        : '';
      return `name of a ${names(spec.words, 'or')}${members}`;
    }
    case 'group':
      return 'group';
    case 'globs':
      return 'list of names, or of strings with `*`, of parameters';
    case 'metric':
      return `metric, alone or behind ${names(
        splitNames.map((split) => `${split}.`),
        'or',
      )}`;
    case 'loss':
      return 'sum of losses, each with an optional factor';
    case 'model':
      return 'model with arguments and weights, as in `M(depth=56) @ "file"`';
    case 'sizes':
      return 'record of sizes, as in `{ N = 16 }`';
    case 'string':
      return 'string';
  }
}

function numberText({ sharing, integer, least, most, units: allowed }: Extract<Spec, { kind: 'number' }>): string {
  if (sharing) return 'int, or a share below 1 or with `%`';
  const range =
    least !== undefined && most !== undefined
      ? ` from ${least} to ${most}`
      : least === undefined
        ? ''
        : ` of at least ${least}`;
  const unit = allowed ? `, may have ${names(allowed.flatMap(unitsOf), 'or')}` : '';
  return `${integer ? 'int' : 'number'}${range}${unit}`;
}

const unitsOf = (quantity: Quantity): string[] =>
  [...units].filter(([, unit]) => unit.quantity === quantity).map(([name]) => name);

/** `a`, `b` and `c`. */
function names(list: readonly string[], joint: 'and' | 'or' = 'and'): string {
  const quoted = list.map(code);
  const last = quoted.at(-1) ?? '';
  return quoted.length < 2 ? last : `${quoted.slice(0, -1).join(', ')} ${joint} ${last}`;
}

/** `eval` measures top-1 and top-5; a stage has the metrics of its training. */
const byAccuracy = '`build FILE:STAGE` by what the stage measured, and `eval` on the data given';

const comparedBy: Readonly<Record<string, string>> = {
  params: '`check` and `build`',
  macs: '`check` and `build`, where no size beside the batch is open',
  size: '`build`',
  peak_memory: '`build`, where no size beside the batch is open',
  latency: '`bench --assert`',
  drop: byAccuracy,
};

export const budgetTable = (): string =>
  markdownTable(
    ['figure', 'meaning', 'units of the limit', 'compared by'],
    [
      ...Object.entries(budgetMetrics).map(([name, { units: allowed, argument, doc }]) => [
        code(argument === undefined ? name : `${name}(${argument === 'stage' ? 'STAGE' : 'p50'})`),
        doc,
        names(allowed.flatMap(unitsOf)),
        comparedBy[name] ?? '',
      ]),
      [names(metricNames.map((name) => `val.${name}`)), 'a metric on a part of the dataset', '`%`', byAccuracy],
    ],
  );

export const unitTable = (): string =>
  markdownTable(
    ['unit', 'measures', 'is'],
    [...units].map(([name, { quantity, scale }]) => [code(name), quantity, String(scale)]),
  );

const sentence = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`;
