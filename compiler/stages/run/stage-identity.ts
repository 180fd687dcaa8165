/** What a stage's result depends on, piece by piece, so that a change can be named. */
import { createHash } from 'node:crypto';
import * as v from 'valibot';
import type { CheckedDirective } from '../../analyze/index.ts';
import type { Setting, Settings } from '../../analyze/directives/directive-values.ts';
import { printGraph } from '../../ir/print.ts';
import type { Graph } from '../../ir/node.ts';
import type { Preprocess } from '../../../runtime/artifact.ts';
import { version } from '../../version.ts';
import { groupOf, textOf } from './settings.ts';
import { settingText } from './setting-text.ts';
import type { StageNode } from './stage-graph.ts';
import { stageSettings } from '../train/training-directive.ts';

export const identitySchema = v.object({
  compiler: v.string(),
  /** Digest of the declared network and of its preprocessing. */
  source: v.string(),
  /** By key, as text. */
  settings: v.record(v.string(), v.string()),
  /** Digest of names, sizes and times of the data's files; see `dataIdentity`. */
  data: v.string(),
  /** Digest of what it starts from: the result of another stage, weights from a file; empty for a fresh start. */
  upstream: v.string(),
  /** Digest of the teacher: the result of a stage, or a network with its file; empty where there is none. */
  teacher: v.optional(v.string(), ''),
});
export type StageIdentity = v.InferOutput<typeof identitySchema>;

export const digest = (...parts: readonly (string | Uint8Array)[]): string => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part).update('\0');
  return hash.digest('hex');
};

export const identityHash = ({ compiler, source, settings, data, upstream, teacher }: StageIdentity): string => {
  const entries = Object.entries(settings).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return digest(compiler, source, JSON.stringify(entries), data, upstream, teacher);
};

/** The declared graph as the stage's folder keeps it: without places, which may move without changing anything. */
export const sourceText = (graph: Graph): string => printGraph(graph, { elideLarge: true });

export interface IdentityParts {
  readonly stage: StageNode;
  readonly graph: Graph;
  readonly preprocess: Preprocess | undefined;
  readonly directives: readonly CheckedDirective[];
  /** Settings of the command line beside `--set`, as `limit_batches`. */
  readonly flags: Readonly<Record<string, string>>;
  /** Texts of files that the stage reads; see `dataIdentity`. */
  readonly files: readonly string[];
  readonly upstream: string;
  /** Texts of what teaches. */
  readonly teachers: readonly string[];
}

export function identityOf(parts: IdentityParts): StageIdentity {
  const { stage, graph, preprocess, directives, flags, files, upstream, teachers } = parts;
  return {
    compiler: version,
    source: digest(sourceText(graph), JSON.stringify(preprocess?.steps ?? [])),
    settings: { ...settingTexts(stage, directives), ...flags },
    data: digest(...files),
    upstream,
    teacher: teachers.length === 0 ? '' : digest(...teachers),
  };
}

/** Settings that change how a stage goes on its way, and not what comes out. */
const irrelevant: readonly string[] = ['recompute', 'checkpoint.every', 'checkpoint.keep'];

function settingTexts(stage: StageNode, directives: readonly CheckedDirective[]): Record<string, string> {
  const settings = stageSettings(stage);
  const texts = flat(settings, '');
  texts['word'] = stage.word;
  texts['model'] = stage.model;
  for (const name of datasetsOf(settings)) {
    const dataset = directives.find((each) => each.word === 'dataset' && each.name === name);
    if (dataset) Object.assign(texts, flat(dataset.settings, `${name}.`));
  }
  return Object.fromEntries(Object.entries(texts).filter(([key]) => !irrelevant.includes(key)));
}

/** Groups are taken apart, so that what changed in them can be named. */
function flat(settings: Settings, prefix: string): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const [key, value] of settings) {
    const name = `${prefix}${key}`;
    if (value.kind !== 'group' || value.items.length > 0) texts[name] = settingText(value);
    else Object.assign(texts, flat(value.entries, `${name}.`));
  }
  return texts;
}

/** Names of the datasets that settings refer to: `data` of a stage, `calibrate.data`. */
export function datasetsOf(settings: Settings): string[] {
  const groups = [settings, ...[...settings.values()].flatMap((each) => groupOf(each) ?? [])];
  const names = groups.flatMap((entries) => textOf(entries.get('data'))?.split('.')[0] ?? []);
  return [...new Set(names)];
}

/** Models that settings refer to: the teacher of a distillation. */
export const modelsOf = (settings: Settings): Extract<Setting, { kind: 'model' }>[] =>
  [...settings.values()].flatMap((each) => (each.kind === 'model' ? [each] : []));

/** What is not as it was, as in `epochs is 20 and was 10`. */
export function identityChanges(now: StageIdentity, before: StageIdentity): string[] {
  const keys = [...new Set([...Object.keys(before.settings), ...Object.keys(now.settings)])];
  const settings = keys.flatMap((key) => {
    const [is, was] = [now.settings[key], before.settings[key]];
    if (is === was) return [];
    return [`${key} is ${is ?? 'not given'} and was ${was ?? 'not given'}`];
  });
  return [
    ...(now.source === before.source ? [] : ['the model changed']),
    ...settings,
    ...(now.data === before.data ? [] : ['the data changed']),
    ...(now.upstream === before.upstream ? [] : ['what it starts from changed']),
    ...(now.teacher === before.teacher ? [] : ['the teacher changed']),
    ...(now.compiler === before.compiler ? [] : [`it was made by cnnc ${before.compiler}`]),
  ];
}
