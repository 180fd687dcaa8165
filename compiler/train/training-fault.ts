/** A training run that cannot be built as its settings say; the caller knows where the setting is written. */

/** The settings of a train directive that a fault may lie in; `model` is what the directive is for. */
export type TrainingSetting =
  | 'model'
  | 'shape'
  | 'batch'
  | 'loss'
  | 'optimizer'
  | 'schedule'
  | 'recompute'
  | 'data'
  | 'teacher'
  | 'hints';

export class TrainingFault extends Error {
  readonly setting: TrainingSetting;
  /** Undefined where leaving the argument out is what helps. */
  readonly help: string | undefined;
  /** That of the setting's call which is wrong. */
  readonly argument: string | undefined;

  constructor(setting: TrainingSetting, message: string, help: string | undefined, argument?: string) {
    super(message);
    this.name = 'TrainingFault';
    this.setting = setting;
    this.help = help;
    this.argument = argument;
  }
}
