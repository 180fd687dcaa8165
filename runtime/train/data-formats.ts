/** The formats of datasets: which parts of the data their files may hold apart, and whether one path names them. */
interface DataFormat {
  /** Where no file has been looked at yet. */
  readonly apart: readonly ('val' | 'test')[];
  /** `FORMAT:PATH` names such data. */
  readonly hasPath: boolean;
}

/** In the order of the documentation. */
export const dataFormats = {
  'cifar-binary': { apart: ['test'], hasPath: true },
  csv: { apart: [], hasPath: true },
  idx: { apart: ['test'], hasPath: true },
  'image-folder': { apart: ['val', 'test'], hasPath: true },
  'image-mask-folder': { apart: ['val', 'test'], hasPath: false },
  npy: { apart: [], hasPath: true },
  npz: { apart: ['val', 'test'], hasPath: true },
  synthetic: { apart: [], hasPath: false },
} as const satisfies Readonly<Record<string, DataFormat>>;

export type FormatName = keyof typeof dataFormats;
/** The formats that a path alone names. */
export type PathFormat = { [N in FormatName]: (typeof dataFormats)[N]['hasPath'] extends true ? N : never }[FormatName];

const isFormat = (name: string): name is FormatName => Object.hasOwn(dataFormats, name);

export const formatNames: readonly FormatName[] = Object.keys(dataFormats).filter(isFormat);

const hasPath = (name: FormatName): name is PathFormat => dataFormats[name].hasPath;

export const pathFormats: readonly PathFormat[] = formatNames.filter(hasPath);
