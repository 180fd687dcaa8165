/** What an operation is: one file of `ops/` exports one of these, with everything about it inside. */
import type { Dim } from './dim.ts';
import type { Graph, Node } from './node.ts';
import type { Traits } from './traits.ts';
import type { DType, Tensor, TensorType } from './type.ts';

/** Values an attribute may have; all of them print to IR text and parse back. */
export type AttrValue =
  | number
  | string
  | boolean
  | Dim
  | Tensor
  | Graph
  | readonly AttrValue[]
  | { readonly [key: string]: AttrValue };

export type Attrs = { readonly [name: string]: AttrValue };

/** One input of a conformance sample. */
export interface SampleInput {
  readonly shape: readonly number[];
  /** Element type; default f32. Integers are whole numbers of the range. */
  readonly dtype?: DType;
  /** Given at build time, as weights are. */
  readonly constant?: true;
  /** Uniform random values of this range; default [-1, 1]. */
  readonly range?: readonly [number, number];
  /** Only whole numbers of the range, as class indices are; also what makes equal values likely. */
  readonly whole?: true;
}

/** A small instance of an op that the shared conformance test runs on every kernel and schedule. */
export interface Sample<A extends Attrs = Attrs> {
  readonly name: string;
  readonly inputs: readonly SampleInput[];
  readonly attrs: A;
}

export interface Op<A extends Attrs = Attrs> {
  readonly name: string;
  /** One sentence for the op reference. */
  readonly summary: string;
  /** Names of the inputs, for messages; a trailing `?` marks an optional one, `...` a repeated one. */
  readonly operands: readonly string[];
  /** The result's type. Throws an OpError where the inputs do not fit. */
  infer(inputs: readonly TensorType[], attrs: A): TensorType;
  /**
   * The reference semantics in plain loops. Floats are computed in float64 and returned as a Float64Array;
   * the interpreter narrows them when it runs in float32.
   */
  evaluate(inputs: readonly Tensor[], attrs: A): Tensor;
  /** A WGSL expression on `vec4f` operands: the op is elementwise and fuses without a kernel of its own. */
  scalar?(args: readonly string[], attrs: A): string;
  /** Multiply-accumulates of one evaluation, from the types; ops without any leave it out. */
  macs?(inputs: readonly TensorType[], result: TensorType, attrs: A): Dim;
  readonly traits?: Traits<A>;
  readonly samples: readonly Sample<A>[];
}

/** `dim` is a multiple of `divisor`. */
export interface Divisibility {
  readonly dim: Dim;
  readonly divisor: number;
}

/** A shape or type fault that `infer` found; the analyzer turns it into a diagnostic with a span. */
export class OpError extends Error {
  readonly code: string;
  readonly help: string | undefined;
  /** Index of the input at fault, where there is one. */
  readonly input: number | undefined;
  /** What would make the op sound: that the divisor divides the dimension. */
  readonly wanted: Divisibility | undefined;

  constructor(code: string, message: string, detail: { help?: string; input?: number; wanted?: Divisibility } = {}) {
    super(message);
    this.name = 'OpError';
    this.code = code;
    this.help = detail.help;
    this.input = detail.input;
    this.wanted = detail.wanted;
  }
}

/** Narrows a node to the op's own attribute type. */
export const isOp = <A extends Attrs>(node: Node, op: Op<A>): node is Node<A> => node.op.name === op.name;
