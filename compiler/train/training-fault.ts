/** A training run that cannot be built as its settings say; the caller knows where the setting is written. */

/** The settings of a train directive that a fault may lie in; `model` is the network itself. */
export type TrainingSetting =
  | 'model'
  | 'loss'
  | 'optimizer'
  | 'schedule'
  | 'regularize'
  | 'clip'
  | 'ema'
  | 'data'
  | 'batch';

export class TrainingFault extends Error {
  readonly setting: TrainingSetting;
  readonly help: string | undefined;

  constructor(setting: TrainingSetting, message: string, help?: string) {
    super(message);
    this.name = 'TrainingFault';
    this.setting = setting;
    this.help = help;
  }
}
