/** Reads a manifest: its seal, its form, and whether it fits together. */
import * as v from 'valibot';
import { artifactVersion, manifestSchema, type Manifest } from './artifact.ts';
import { checkPlan, checkSymbols, manifestFault } from './check-plan.ts';
import { openSeal, withinStack } from './files/seal.ts';

/**
 * Checks a parsed `manifest.json`: its seal, its form, and that what plans say fits together. Throws E0715 with the path
 * of the first fault. What sizes come to is checked by the session, for each batch.
 */
export function parseManifest(json: unknown): Manifest {
  checkHead(json, 'cnnc-artifact', artifactVersion);
  openSeal(json);
  const manifest = checkManifest(manifestSchema, json);
  checkSymbols(manifest.symbols, manifest.guards);
  for (const [profile, plan] of Object.entries(manifest.plans)) {
    if (!plan) continue;
    checkPlan(plan, { at: `plans.${profile}`, symbols: manifest.symbols, constants: manifest.constants, state: [] });
  }
  return manifest;
}

/** Throws E0715 for what is no such manifest, and for another version of it, whose seal may be another thing. */
export function checkHead(json: unknown, format: string, version: number): void {
  checkManifest(v.object({ format: v.literal(format), version: v.literal(version) }), json);
}

/** A parsed manifest by its schema. Throws E0715 with the path of the first fault. */
export function checkManifest<T>(schema: v.GenericSchema<unknown, T>, json: unknown): T {
  const result = withinStack(() => v.safeParse(schema, json));
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = issue?.path?.map((item) => String(item.key)).join('.') ?? '';
  throw manifestFault(path, issue?.message ?? 'unknown fault');
}
