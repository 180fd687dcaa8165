/** How a training run goes: one status line on a terminal, one line an epoch, and events with `--json`. */
import type { TrainingArtifact } from '../../runtime/train/training-artifact.ts';
import type { TrainingEvent } from '../../runtime/train/training-run.ts';
import type { Context } from './command.ts';
import { formatDigits } from './text.ts';

export function showProgress(
  { output }: Pick<Context, 'output'>,
  { manifest: { recipe } }: TrainingArtifact,
): (event: TrainingEvent) => void {
  let stepsPerEpoch = 1;
  let [firstStep, started] = [0, performance.now()];
  return (event) => {
    if (event.type === 'start') {
      [stepsPerEpoch, firstStep, started] = [event.stepsPerEpoch, event.state.step, performance.now()];
    } else if (event.type === 'progress') {
      const total = recipe.epochs * stepsPerEpoch;
      const rate = (event.step - firstStep) / (performance.now() - started);
      const eta = formatDuration((total - event.step) / rate / 1000);
      const speed = formatDigits(rate * 1000 * recipe.batch);
      output.progress(
        `epoch ${event.epoch}/${recipe.epochs}, step ${event.batch}/${stepsPerEpoch}, ${speed} images/s, ${eta} left`,
        { epoch: event.epoch, step: event.step, total },
      );
    } else if (event.type === 'epoch') {
      const { epoch, values, lr, imagesPerSecond } = event.record;
      const figures = Object.entries(values).map(([name, value]) => `${name} ${value.toFixed(4)}`);
      const best = event.best ? '  best' : '';
      output.data(
        `epoch ${String(epoch).padStart(3)}  ${figures.join('  ')}  lr ${lr.toPrecision(3)}  ${formatDigits(imagesPerSecond)} images/s${best}`,
      );
      output.event({ type: 'metric', kind: 'epoch', ...event.record, best: event.best });
    } else if (event.type === 'rollback') {
      output.note(`numbers that are not finite: back to step ${event.step}, learning rate times ${event.lrScale}`);
    }
  };
}

const formatDuration = (seconds: number): string => {
  if (!Number.isFinite(seconds)) return '?';
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
};
