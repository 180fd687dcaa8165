/** Work on a device whose faults come out as coded faults: validation, memory, loss. */
import { RuntimeFault } from './errors.ts';

/**
 * Runs work under error scopes, so that Dawn's validation and memory errors, and a lost device, become coded faults. The
 * work does not wait for anything: scopes are a stack of the device, on which everything else that runs puts its own.
 */
export async function guarded<T>(device: GPUDevice, work: () => T): Promise<T> {
  device.pushErrorScope('out-of-memory');
  device.pushErrorScope('validation');
  let result: T | undefined;
  let thrown: unknown;
  try {
    result = work();
  } catch (error) {
    thrown = error;
  }
  // A lost device has no scopes left to pop.
  const [invalid, exhausted] = await Promise.all([device.popErrorScope(), device.popErrorScope()]).catch(
    (error: unknown) => {
      thrown ??= error;
      return [];
    },
  );
  const lost = await Promise.race([device.lost, Promise.resolve(undefined)]);
  if (lost) throw deviceLost(lost);
  if (thrown instanceof RuntimeFault) throw thrown;
  if (exhausted) {
    throw new RuntimeFault('E0904', 'runtime', `out of GPU memory: ${firstLine(exhausted)}`, 'use a smaller batch');
  }
  if (invalid) throw new RuntimeFault('E0905', 'runtime', `the GPU rejected a command: ${firstLine(invalid)}`);
  if (thrown !== undefined || result === undefined) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new RuntimeFault('E0905', 'runtime', `the GPU failed: ${joinLines(reason)}`);
  }
  return result;
}

export const firstLine = (error: { readonly message: string }): string => error.message.split('\n', 1)[0] ?? '';

/** Messages of faults are one line. */
export const joinLines = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, ' ');

/** The bytes of a staging buffer, once everything submitted before is done. Throws E0903 and E0905. */
export async function readStaging(device: GPUDevice, staging: GPUBuffer): Promise<ArrayBuffer> {
  try {
    await staging.mapAsync(1);
  } catch (error) {
    const lost = await Promise.race([device.lost, Promise.resolve(undefined)]);
    if (lost) throw deviceLost(lost);
    throw new RuntimeFault('E0905', 'runtime', `the result cannot be read: ${joinLines(String(error))}`);
  }
  return staging.getMappedRange();
}

export const deviceLost = ({ message }: GPUDeviceLostInfo): RuntimeFault =>
  new RuntimeFault('E0903', 'runtime', `the device was lost: ${joinLines(message)}`);
