/** The commands in the order in which `--help` lists them. */
export const commandNames = [
  'init',
  'check',
  'fmt',
  'build',
  'train',
  'data',
  'plan',
  'run',
  'eval',
  'bench',
  'inspect',
  'compare',
  'diff',
  'opt',
  'ops',
  'doctor',
  'explain',
  'demo',
  'reference',
] as const;
export type CommandName = (typeof commandNames)[number];
