/** Every command: its name, what it does, and the module that is loaded only when it runs. */
import { commandNames, type CommandName } from './command-names.ts';
import type { Configure } from './command.ts';

export interface CommandEntry {
  readonly name: CommandName;
  readonly summary: string;
  load(): Promise<Configure>;
}

const entries: Readonly<Record<CommandName, Omit<CommandEntry, 'name'>>> = {
  init: {
    summary: 'start a project: a network that trains on your own pictures, or on generated ones',
    load: async () => (await import('./commands/init.ts')).configureInit,
  },
  check: {
    summary: 'check syntax, names, shapes, directives and static budgets',
    load: async () => (await import('./commands/check.ts')).configureCheck,
  },
  fmt: {
    summary: 'write sources in the one style',
    load: async () => (await import('./commands/fmt.ts')).configureFormat,
  },
  build: {
    summary: 'compile a model to an artifact folder',
    load: async () => (await import('./commands/build.ts')).configureBuild,
  },
  train: {
    summary: 'run the stages of a source: train, prune, distill, quantize',
    load: async () => (await import('./commands/train.ts')).configureTrain,
  },
  data: {
    summary: 'count a dataset, decode every sample, and list what is broken or left out',
    load: async () => (await import('./commands/data.ts')).configureData,
  },
  plan: {
    summary: 'list the stages of a source: which are up to date, which have to run, and why',
    load: async () => (await import('./commands/plan.ts')).configurePlan,
  },
  run: {
    summary: 'run an artifact on images or npy tensors',
    load: async () => (await import('./commands/run.ts')).configureRun,
  },
  eval: {
    summary: 'measure accuracy, or overlap of masks, on a dataset',
    load: async () => (await import('./commands/eval.ts')).configureEval,
  },
  bench: {
    summary: 'measure latency, throughput and the time to the first result',
    load: async () => (await import('./commands/bench.ts')).configureBench,
  },
  inspect: {
    summary: 'list the layers of a model or artifact, or the tensors of a safetensors file',
    load: async () => (await import('./commands/inspect.ts')).configureInspect,
  },
  compare: {
    summary: 'compare two artifacts, or an artifact and its source, layer by layer',
    load: async () => (await import('./commands/compare.ts')).configureCompare,
  },
  diff: {
    summary: 'compare the size, cost, accuracy and latency of stages and artifacts',
    load: async () => (await import('./commands/diff.ts')).configureDiff,
  },
  opt: {
    summary: 'run passes on IR text',
    load: async () => (await import('./commands/opt.ts')).configureOpt,
  },
  ops: {
    summary: 'list the ops with their reference, kernels and samples',
    load: async () => (await import('./commands/ops.ts')).configureOps,
  },
  doctor: {
    summary: 'report adapters, drivers and limits, and how to fix what is missing',
    load: async () => (await import('./commands/doctor.ts')).configureDoctor,
  },
  explain: {
    summary: 'explain the code of an error',
    load: async () => (await import('./commands/explain.ts')).configureExplain,
  },
  demo: {
    summary: 'train a small network on generated images, build it and test it',
    load: async () => (await import('./commands/demo.ts')).configureDemo,
  },
  // Without a summary it is hidden: it serves the repository, not its users.
  reference: {
    summary: '',
    load: async () => (await import('./commands/reference.ts')).configureReference,
  },
};

export const commands: readonly CommandEntry[] = commandNames.map((name) => ({ name, ...entries[name] }));
