/** The source that `cnnc init --data` writes: a network, its preprocessing, data and training, as the pictures ask. */
import { format } from '../../../../grammar/format.ts';

export interface Findings {
  /** From the folder of the source. */
  readonly path: string;
  readonly classes: readonly string[];
  /** Pictures for training and what is drawn from them; of parts that lie apart, undefined where there are none. */
  readonly samples: { readonly pool: number; readonly val: number | undefined; readonly test: number | undefined };
  readonly perClass: readonly number[];
  /** Width and height of pictures that were looked at. */
  readonly sides: readonly (readonly [number, number])[];
  readonly isGrey: boolean;
  /** Of red, green and blue, from 0 to 1. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

export interface Plan {
  /** Height and width of the network's input. */
  readonly size: number;
  /** Channels of the stages, each of which halves height and width. */
  readonly widths: readonly number[];
  /** Shares of the pool, where something is drawn from it. */
  readonly split: string;
  readonly trained: number;
  readonly batch: number;
  readonly epochs: number;
}

const sizes = [16, 24, 28, 32, 48, 64];
/** Samples that a training sees in all, so that it takes minutes. */
const seen = 8_000;

/** What fits the sizes and the number of the pictures. */
export function planFor({ sides, samples }: Pick<Findings, 'sides' | 'samples'>): Plan {
  const shorter = sides.map(([width, height]) => Math.min(width, height)).toSorted((a, b) => a - b);
  const typical = shorter[Math.floor(shorter.length / 2)] ?? 32;
  const size = sizes.findLast((each) => each <= typical) ?? 16;
  const widths: number[] = [];
  for (let side = size / 2; side > 4; side = Math.ceil(side / 2)) widths.push(32 * (widths.length + 1));
  const { split, share } = splitFor(samples);
  const trained = Math.round(samples.pool * share);
  const batch = trained < 100 ? 8 : trained < 1000 ? 16 : trained < 5000 ? 32 : 64;
  const epochs = Math.min(40, Math.max(8, Math.round(seen / trained)));
  return { size, widths: widths.length > 0 ? widths : [32], split, trained, batch: Math.min(batch, trained), epochs };
}

/** A test part is drawn where that leaves enough; parts that lie apart are as they are. */
function splitFor({ pool, val, test }: Findings['samples']): { readonly split: string; readonly share: number } {
  const shares = {
    val: val === undefined ? (pool >= 500 ? 10 : 20) : 0,
    test: test === undefined && pool >= 500 ? 10 : 0,
  };
  const train = 100 - shares.val - shares.test;
  if (train === 100) return { split: '', share: 1 };
  const drawn = Object.entries(shares).flatMap(([part, share]) => (share > 0 ? [`${part} = ${share}%`] : []));
  return { split: `split { train = ${train}%  ${drawn.join('  ')}  seed = 1 }`, share: train / 100 };
}

/** The source, in the one style. */
export function pictureNetwork(findings: Findings): string {
  const text = draft(findings);
  return format({ path: 'model.cnn', text }) ?? text;
}

function draft(findings: Findings): string {
  const { path, classes, isGrey, mean, std } = findings;
  const { size, widths, split, trained, batch, epochs } = planFor(findings);
  const channels = isGrey ? 1 : 3;
  const list = (values: readonly number[]): string => `[${values.slice(0, channels).map(rounded).join(', ')}]`;
  // A deviation of zero, of pictures of one colour, divides by nothing.
  const deviations = std.map((value) => Math.max(value, 0.05));
  const layers = widths.map((width, at) => `    |> layer${at + 1}: padded_block(${width}, stride=2)`);
  // Signs and digits are other ones in a mirror; photographs are not.
  const flips = isGrey ? '' : '\n    horizontal_flip()';
  return `## A small residual network (He et al. 2015) for pictures of ${classes.length} classes, written by \`cnnc init --data\` for ${trained} pictures
## to learn from. Larger pictures show more and take longer: ${size} pixels stand in model, preprocess and augment.
import { padded_block } from "std/cifar_resnet"

model Net(image: f32[N, ${channels}, ${size}, ${size}], classes: int = ${classes.length}) -> f32[N, classes] {
  return image
    |> stem: conv(16, k=3, stride=2, bias=false) |> norm: bn |> relu
${layers.join('\n')}
    |> global_avg_pool
    |> flatten
    |> dropout(0.1)
    |> classifier: linear(classes)
}

## The mean and deviation of the pictures' own pixels.
preprocess for Net {
  resize(${size}px)
  center_crop(${size}px)
  normalize(mean=${list(mean)}, std=${list(deviations)})
}

dataset pictures {
  format = "image-folder"
  path = ${quote(path)}
  ${split}
}

train base for Net {
  data = pictures
  epochs = ${epochs}
  batch = ${batch}
  loss = cross_entropy()
  augment {
    random_crop(${size}px, pad=${Math.max(1, Math.round(size / 16))}px)${flips}
    color_jitter(0.2)
  }
  optimizer = adamw(lr=0.01, weight_decay=0.01)
  schedule = one_cycle(max=0.01)
  checkpoint { best = val.loss }
}
`;
}

const rounded = (value: number): string => value.toFixed(2);

const escapes: Readonly<Record<string, string>> = { '\\': String.raw`\\`, '"': String.raw`\"` };

/** As a string of the language. */
const quote = (text: string): string =>
  `"${text.replaceAll(/["\\\p{Cc}]/gu, (each) => escapes[each] ?? String.raw`\u{${each.charCodeAt(0).toString(16)}}`)}"`;
