/** How a training run goes: one status line on a terminal, one line an epoch, and events with `--json`. */
import type { TrainingArtifact } from '../../../../runtime/train/training-artifact.ts';
import type { TrainingEvent } from '../../../../runtime/train/loop/training-run.ts';
import type { TrainingRecord } from '../../../../runtime/train/training-state.ts';
import type { Reporter } from '../../../driver/reporter.ts';
import type { Context } from '../../command.ts';
import type { Output } from '../../output.ts';
import { epochColumns, epochHeading, epochRow, formatFigure, statusLine } from './epoch-table.ts';

/** What stages say, on the streams of the command. */
export const reporterOf = (output: Output): Reporter => ({
  ...output,
  training: (artifact) => showProgress({ output }, artifact),
});

export function showProgress(
  { output }: Pick<Context, 'output'>,
  { manifest: { recipe } }: TrainingArtifact,
): (event: TrainingEvent) => void {
  let stepsPerEpoch = 1;
  let [firstStep, started] = [0, performance.now()];
  let [latest, measured]: (TrainingRecord | undefined)[] = [];
  let columns: ReturnType<typeof epochColumns> | undefined;
  return (event) => {
    if (event.type === 'start') {
      [stepsPerEpoch, firstStep, started] = [event.stepsPerEpoch, event.state.step, performance.now()];
      measured = event.state.history.at(-1);
    } else if (event.type === 'step') {
      latest = event.record;
    } else if (event.type === 'progress') {
      const total = recipe.epochs * stepsPerEpoch;
      const rate = ((event.step - firstStep) * 1000) / (performance.now() - started);
      const line = statusLine(
        {
          epoch: event.epoch,
          epochs: recipe.epochs,
          done: event.step / total,
          loss: (latest ?? measured)?.values['train.loss'],
          metric: metricText(measured) ?? metricText(latest),
          imagesPerSecond: rate * recipe.batch,
          secondsLeft: (total - event.step) / rate,
        },
        output.statusColumns,
      );
      output.progress(line, { epoch: event.epoch, step: event.step, total });
    } else if (event.type === 'epoch') {
      latest = measured = event.record;
      if (!columns) {
        columns = epochColumns(event.record, recipe.epochs, output.columns);
        output.data(epochHeading(columns));
      }
      output.data(epochRow(columns, event.record, event.best));
      output.event({ type: 'metric', kind: 'epoch', ...event.record, best: event.best });
    } else if (event.type === 'rollback') {
      output.note(`numbers that are not finite: back to step ${event.step}, learning rate times ${event.lrScale}`);
    }
  };
}

/** The first metric of the validation, or where it was not measured that of the training. */
function metricText(record: TrainingRecord | undefined): string | undefined {
  const figures = Object.entries(record?.values ?? {}).filter(([name]) => !name.endsWith('loss'));
  const [name, value] = figures.find(([key]) => key.startsWith('val.')) ?? figures[0] ?? [];
  return name === undefined || value === undefined ? undefined : `${name} ${formatFigure(value)}`;
}
