/** Manifests with one value that is another one, by chance; and what a device rejects that nobody is told. */
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Plan } from '../../runtime/artifact.ts';
import { sealManifest } from '../../runtime/files/seal.ts';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export interface Manifest {
  [key: string]: Json;
}
export type Path = readonly string[];

/** The path of every value of a tree, containers too, but for the digest. */
export function pathsOf(value: Json, path: Path = []): Path[] {
  if (typeof value !== 'object' || value === null) return [path];
  const members = Object.entries(value).flatMap(([key, member]) => pathsOf(member, [...path, key]));
  return path.length === 0 ? members.filter(([key]) => key !== 'digest') : [path, ...members];
}

const valueAt = (tree: Json, path: Path): Json =>
  path.reduce<Json>((value, key) => (value as Manifest)[key] ?? null, tree);

type Change = (value: Json) => Json | undefined;

/** A copy in which one value is another one, or gone. */
export function changed(manifest: Manifest, path: Path, change: Change): Manifest {
  const copy = structuredClone(manifest);
  const parent = valueAt(copy, path.slice(0, -1)) as Manifest;
  const key = path.at(-1) ?? '';
  const next = change(parent[key] ?? null);
  if (next === undefined) delete parent[key];
  else parent[key] = next;
  return copy;
}

const number = (value: Json): number => (typeof value === 'number' ? value : 1);
const mild: readonly Change[] = [
  (value) => number(value) + 1,
  (value) => number(value) * 2,
  (value) => Math.max(0, number(value) - 1),
  () => 0,
];
const wild: readonly Change[] = [
  ...mild,
  (value) => number(value) + 4,
  (value) => number(value) + 256,
  () => undefined,
  () => null,
  () => -1,
  () => 0.5,
  () => 2 ** 31,
  () => 1e300,
  () => '',
  () => '__proto__',
  () => '\u001b[2J',
  () => [],
  () => ({}),
];

// Loops of a kernel end at what its uniforms say: a huge one is a kernel that takes hours, which nothing can tell from
// one that is slow. So these change a little only.
const runsLoops = (path: Path): boolean => path.includes('uniforms') || path.includes('workgroups');

/** Changes of one of the values at these paths: to a value of any kind, or to what another has under the same key. */
export function changesOf(manifest: Manifest, paths: readonly Path[]): fc.Arbitrary<readonly [Path, Change]> {
  const all = pathsOf(manifest);
  return fc.constantFrom(...paths).chain((path) => {
    if (runsLoops(path)) return fc.tuple(fc.constant(path), fc.constantFrom(...mild));
    const others = fc.constantFrom(...all.filter((other) => other.at(-1) === path.at(-1)));
    const borrowed = others.map(
      (other): Change =>
        () =>
          structuredClone(valueAt(manifest, other)),
    );
    return fc.tuple(fc.constant(path), fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...wild) }, borrowed));
  });
}

/** The manifest with a new seal, as whoever changes it on purpose makes it. */
export function sealedAgain(manifest: Manifest): unknown {
  const { digest: _, files, ...content } = manifest;
  return sealManifest(content, (files ?? {}) as Readonly<Record<string, string>>);
}

/** A copy of the plan whose dispatches write to what they read through another binding, which no device takes. */
export function overlapping(plan: Plan): Plan {
  const copy = structuredClone(plan);
  for (const { bindings } of copy.steps) {
    const [first, second] = bindings.flatMap((binding, at) => ('arena' in binding ? [at] : []));
    const other = second === undefined ? undefined : bindings[second];
    if (first !== undefined && other) bindings[first] = other;
  }
  return copy;
}

/** Listens to a device; the function fails where it rejected what no error scope saw, so that no call told of it. */
export function watchDevice(device: GPUDevice): () => Promise<void> {
  const untold: string[] = [];
  device.addEventListener('uncapturederror', ({ error }) => void untold.push(error.message));
  return async () => {
    await device.queue.onSubmittedWorkDone();
    expect(untold.splice(0)).toEqual([]);
  };
}
