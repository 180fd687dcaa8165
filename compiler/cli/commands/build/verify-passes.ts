/** `--verify`: every pass of this very model against the reference interpreter, on random input. */
import { symbolsOf } from '../../../ir/dim.ts';
import { roundingPasses } from '../../../passes/pipelines.ts';
import { checkPass, formatDifference, outputNoise } from '../../../passes/verify-pass.ts';
import type { Context } from '../../command.ts';
import type { ModelCompilation } from '../../../driver/compile-model.ts';
import { CommandError } from '../../../driver/failure.ts';
import type { ModelWeights } from '../../../driver/model-weights.ts';
import type { SourceModel } from '../../../driver/project.ts';
import { count, formatMs } from '../../../driver/text.ts';

const report = 'this is a fault of cnnc, not of the model: please report it';

/** Throws E0998, naming pass, op and source line, at the first pass that changes what the model computes. */
export async function verifyPasses(
  { output, seed }: Context,
  { graph, built }: SourceModel,
  { weights }: ModelWeights,
  { bound, passes }: ModelCompilation,
): Promise<void> {
  const started = performance.now();
  const parameters = Object.fromEntries(weights);
  const symbols = Object.fromEntries(
    built.inputs.flatMap(({ type }) => type.shape.flatMap(symbolsOf)).map((name) => [name, 1]),
  );
  const steps = [{ pass: 'bind-parameters', before: graph, after: bound }, ...passes].filter(
    (step) => step.before !== step.after,
  );
  for (const [index, { pass, before, after }] of steps.entries()) {
    output.progress(`verifying ${pass} (${index + 1} of ${steps.length})`, {
      stage: 'verify',
      pass,
      done: index,
      total: steps.length,
    });
    // The interpreter does not yield, and the status line should be seen before it starts.
    await new Promise((resolve) => setImmediate(resolve));
    if (roundingPasses.has(pass)) {
      const decibels = outputNoise(before, after, { seed, symbols });
      // More noise than signal is no rounding. Silence, as of a network that only random input meets, says nothing.
      if (decibels < 0) throw new CommandError('E0998', `${pass} leaves more noise than signal`, report);
      const found = Number.isFinite(decibels) ? `${decibels.toFixed(1)} dB of signal to noise` : 'no difference';
      output.note(`${pass} rounds values: ${found} in the outputs on random input`);
      continue;
    }
    const difference = checkPass(before, after, { pass, seed, symbols, parameters });
    if (difference) throw new CommandError('E0998', formatDifference(difference), report);
  }
  output.progress('');
  output.note(
    `verified ${count(steps.length, 'pass', 'passes')} against the reference interpreter in ${formatMs(performance.now() - started)}`,
  );
}
