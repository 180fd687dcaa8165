/** Whether what belongs to a device can still be used: it was not disposed, and the device was not lost. */
import { RuntimeFault } from './errors.ts';
import { deviceLost } from './guarded.ts';

export interface Lifetime {
  /** Throws E0913 behind `dispose`, E0903 once the device is known to be lost. */
  check(): void;
  readonly isDisposed: boolean;
  /** Ends it; harmless when called again. */
  dispose(release: () => void): void;
  /**
   * Runs work, and throws why the work could not be done instead of what that led to: buffers that were destroyed in
   * the middle of a run give faults that name no cause.
   */
  within<T>(work: () => Promise<T>): Promise<T>;
}

/** Of a `what` ('session') on a device. Throws E0903 where the device is lost already. */
export async function beginLifetime(device: GPUDevice, what: string): Promise<Lifetime> {
  let lost: GPUDeviceLostInfo | undefined;
  void device.lost.then((info) => (lost = info));
  let isDisposed = false;
  const check = (): void => {
    if (isDisposed) {
      const help = `create another ${what}, or dispose of it when its last call is done`;
      throw new RuntimeFault('E0913', 'runtime', `the ${what} was disposed`, help);
    }
    if (lost) throw deviceLost(lost);
  };
  // A promise that is resolved already tells so in the next turn.
  await Promise.resolve();
  check();
  return {
    check,
    get isDisposed() {
      return isDisposed;
    },
    dispose: (release) => {
      if (isDisposed) return;
      isDisposed = true;
      release();
    },
    within: async (work) => {
      check();
      try {
        return await work();
      } catch (error) {
        // A loss that made the work fail is told by the device a moment later.
        lost ??= await Promise.race([device.lost, Promise.resolve(undefined)]);
        check();
        throw error;
      }
    },
  };
}
