/** The units that may touch a number: what they measure and how many base units one of them is. */

/** Base units: a ratio of one, one epoch, one step, one pixel, one second, one byte, one, one multiply-accumulate. */
export type Quantity = 'ratio' | 'epochs' | 'steps' | 'pixels' | 'seconds' | 'bytes' | 'count' | 'macs';

export interface Unit {
  readonly quantity: Quantity;
  /** The value in base units is the written value times this. */
  readonly scale: number;
}

const KIB = 1024;

export const units: ReadonlyMap<string, Unit> = new Map<string, Unit>([
  ['%', { quantity: 'ratio', scale: 0.01 }],
  ['epoch', { quantity: 'epochs', scale: 1 }],
  ['epochs', { quantity: 'epochs', scale: 1 }],
  ['step', { quantity: 'steps', scale: 1 }],
  ['steps', { quantity: 'steps', scale: 1 }],
  ['px', { quantity: 'pixels', scale: 1 }],
  ['us', { quantity: 'seconds', scale: 1e-6 }],
  ['ms', { quantity: 'seconds', scale: 1e-3 }],
  ['s', { quantity: 'seconds', scale: 1 }],
  ['B', { quantity: 'bytes', scale: 1 }],
  ['kB', { quantity: 'bytes', scale: 1e3 }],
  ['MB', { quantity: 'bytes', scale: 1e6 }],
  ['GB', { quantity: 'bytes', scale: 1e9 }],
  ['KiB', { quantity: 'bytes', scale: KIB }],
  ['MiB', { quantity: 'bytes', scale: KIB ** 2 }],
  ['GiB', { quantity: 'bytes', scale: KIB ** 3 }],
  ['K', { quantity: 'count', scale: 1e3 }],
  ['M', { quantity: 'count', scale: 1e6 }],
  ['G', { quantity: 'count', scale: 1e9 }],
  ['MACs', { quantity: 'macs', scale: 1 }],
  ['KMACs', { quantity: 'macs', scale: 1e3 }],
  ['MMACs', { quantity: 'macs', scale: 1e6 }],
  ['GMACs', { quantity: 'macs', scale: 1e9 }],
]);
