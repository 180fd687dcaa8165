/** Faults that a user can cause or meet at run time; the command line maps `kind` to its exit code. */

/**
 * `input`: a malformed file or argument value (exit 3 for data and weights, as their code says).
 * `environment`: no adapter, driver, file or permission (exit 3).
 * `runtime`: device lost, out of memory, NaN stop (exit 5).
 * `usage`: a wrong option (exit 2).
 */
export type FaultKind = 'usage' | 'source' | 'input' | 'environment' | 'runtime';

/** Every code that the runtime raises, with its title; E07xx files and weights, E09xx run time. */
export const runtimeCodes = {
  E0710: 'file cannot be read',
  E0711: 'malformed safetensors file',
  E0712: 'malformed npy file',
  E0713: 'image cannot be decoded',
  E0714: 'malformed dataset',
  E0715: 'malformed artifact',
  E0716: 'malformed checkpoint',
  E0717: 'the checkpoint belongs to another run',
  E0718: 'malformed npz file',
  E0719: 'dataset too small for its split or its batch',
  E0720: 'a parameter is missing from the weights',
  E0721: 'the weights hold a tensor that the model has not',
  E0722: 'a weight has the wrong shape or type',
  E0723: 'file cannot be written',
  E0724: 'the folder of a stage was changed or damaged',
  E0725: 'a stage has to run first',
  E0901: 'no GPU adapter',
  E0902: 'the device lacks a limit or a feature that the artifact needs',
  E0903: 'device lost',
  E0904: 'out of GPU memory',
  E0905: 'the GPU rejected a command',
  E0906: 'an input has the wrong name, shape or type',
  E0909: 'the training met numbers that are not finite',
  E0910: 'a metric is not measured',
  E0911: 'an op gave numbers that are not finite',
  E0912: 'the decoder of pictures cannot be loaded',
  E0913: 'used after it was disposed',
  E0999: 'internal error',
} as const;

export type RuntimeCode = keyof typeof runtimeCodes;

/** An error with a stable code, a one-sentence message and, where a fix is known, a help line. */
export class RuntimeFault extends Error {
  readonly code: RuntimeCode;
  readonly kind: FaultKind;
  readonly help: string | undefined;

  constructor(code: RuntimeCode, kind: FaultKind, message: string, help?: string) {
    super(message);
    this.name = 'RuntimeFault';
    this.code = code;
    this.kind = kind;
    this.help = help;
  }
}
