/** The fault of a dataset whose `path` leads nowhere, at that path. */
import { readdir } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Diagnostic } from '../../../grammar/diagnostics.ts';
import { closestName } from '../../../grammar/suggest.ts';
import { pathKind, unreadable } from '../../../runtime/node/file-access.ts';
import type { DataSpec } from '../../../runtime/train/recipe.ts';
import { spanOf } from '../../analyze/directives/written.ts';
import type { StageSetup } from '../run/stage-setup.ts';
import { complete } from '../../analyze/directives/complete.ts';
import { directives } from '../../analyze/directives/directive-schema.ts';

export interface MissingPath {
  readonly shown: Diagnostic;
  /** Whether something of nearly that name lies beside it: then the data is not elsewhere, but the name is wrong. */
  readonly isNear: boolean;
}

/** Undefined where something lies there, and where the source does not name the path. */
export async function missingPath(
  { program, overrides }: StageSetup,
  { name, path }: DataSpec,
): Promise<MissingPath | undefined> {
  const dataset = program.directives.find((each) => each.word === 'dataset' && each.name === name);
  const span = dataset && spanOf(dataset.declaration.entries, 'path');
  if (!span || overrides.data !== undefined || path === undefined) return undefined;
  if ((await pathKind(path)) !== undefined) return undefined;
  const written = (complete(directives.dataset.fields, dataset.settings).path ?? path).replace(/[/\\]+$/, '');
  const own = basename(written);
  const near = closestName(own, await readdir(dirname(path)).catch(() => []));
  const help =
    near === undefined
      ? 'paths are as seen from the source; --data FORMAT:PATH names data that lies elsewhere'
      : `did you mean \`${written.slice(0, written.length - own.length)}${near}\`?`;
  const { code, message } = unreadable(path, { code: 'ENOENT' });
  return { shown: { code, severity: 'error', message, span, notes: [], help }, isNear: near !== undefined };
}
