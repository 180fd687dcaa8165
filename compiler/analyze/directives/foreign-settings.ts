/** Help lines for settings that other frameworks call otherwise. */
import {
  foreignHelp,
  foreignSettingArgument,
  foreignArgumentHelp,
  foreignSettings,
  foreignRows as others,
  type Foreign,
} from '../../../grammar/elsewhere/index.ts';
import { tableOf } from '../../../grammar/elsewhere/entry.ts';
import type { Expression } from '../../../grammar/ast.ts';
import type { Functions } from './directive-spec.ts';
import { augmentations, augmentationsElsewhere } from '../tables/augmentations.ts';
import { losses, lossesElsewhere } from '../tables/losses.ts';
import { optimizers, optimizersElsewhere } from '../tables/optimizers.ts';
import { preprocessing, preprocessingElsewhere } from '../tables/preprocessing.ts';
import { schedules, schedulesElsewhere } from '../tables/schedules.ts';
import { formatsElsewhere } from '../tables/formats.ts';
import { textOf } from '../values/type-match.ts';

type Table = (name: string) => Foreign | undefined;

const tables: ReadonlyMap<Functions, Table> = new Map<Functions, Table>([
  [optimizers, tableOf(optimizersElsewhere)],
  [schedules, tableOf(schedulesElsewhere)],
  [losses, tableOf(lossesElsewhere)],
  [augmentations, tableOf(augmentationsElsewhere)],
  [preprocessing, tableOf(preprocessingElsewhere)],
]);

const foreignFormat = tableOf(formatsElsewhere);

/** Every row with the kind of place that its `here` is right in. */
export const foreignRows: Readonly<Record<string, readonly Foreign[]>> = {
  ...others,
  optimizers: optimizersElsewhere,
  schedules: schedulesElsewhere,
  losses: lossesElsewhere,
  augmentations: augmentationsElsewhere,
  preprocessing: preprocessingElsewhere,
  formats: formatsElsewhere,
};

const helpOf = (row: Foreign | undefined): string | undefined => row && foreignHelp(row);

/** For a call of something that is not among `functions`; undefined for what no framework calls so either. */
export const foreignCallHelp = (functions: Functions, name: string): string | undefined =>
  helpOf(tables.get(functions)?.(name));

/** For `nn.CrossEntropyLoss()` and `optim.SGD`, which are no plain calls. */
export function foreignMemberHelp(functions: Functions, expression: Expression): string | undefined {
  const callee = expression.kind === 'call' ? expression.callee : expression;
  return callee.kind === 'member' ? foreignCallHelp(functions, textOf(callee.span)) : undefined;
}

/** For an argument that a call of `functions` does not have. */
export function foreignParameterHelp(name: string, parameters: readonly string[]): string | undefined {
  const found = foreignSettingArgument(name, parameters);
  return found && foreignArgumentHelp(found);
}

/** For a key that a directive or group does not have; a key of `known` only is proposed. */
export function foreignKeyHelp(owner: string, name: string, known: readonly string[]): string | undefined {
  const row = owner === 'dataset' ? foreignSettings.datasetKey(name) : foreignSettings.key(name);
  const key = /^\w+/.exec(row?.here ?? '')?.[0];
  const fits = row?.isMissing
    ? known.includes('data') || owner === 'dataset'
    : key !== undefined && known.includes(key);
  return fits ? helpOf(row) : undefined;
}

export const foreignWordHelp = (word: string): string | undefined => helpOf(foreignSettings.word(word));
export const foreignMetricHelp = (name: string): string | undefined => helpOf(foreignSettings.metric(name));

/** For a value that is none of the names of a choice, where these are formats of datasets. */
export function foreignChoiceHelp(name: string, names: readonly string[]): string | undefined {
  return names.includes('image-folder') ? helpOf(foreignFormat(name)) : undefined;
}
