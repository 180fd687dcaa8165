/** Opens a device for a piece of work, and closes it whatever happens. */
import type { RuntimeFault } from '../../runtime/errors.ts';
import { openDevice, type OpenedDevice } from '../../runtime/node/device/device.ts';

export interface DeviceWish {
  /** As `openDevice` takes it; the best there is unless given. */
  readonly adapter?: string | undefined;
  /** Whether all that will run is trusted like code, so that bounds checks can be left out. */
  readonly trusted: boolean;
  /** Told what there is to say about the adapter. */
  readonly onNotice: (text: string) => void;
}

/** The device is opened at the first call, once; the process can exit by itself afterwards. */
export async function withLazyDevice<T>(
  { adapter, trusted, onNotice }: DeviceWish,
  work: (device: () => Promise<OpenedDevice>) => Promise<T>,
): Promise<T> {
  let lost: RuntimeFault | undefined;
  let opening: Promise<OpenedDevice> | undefined;
  const open = (): Promise<OpenedDevice> =>
    (opening ??= openDevice({ adapter, trusted, onNotice, onLost: (fault) => (lost = fault) }));
  try {
    return await work(open);
  } catch (error) {
    // What fails after the loss only follows from it.
    throw lost ?? error;
  } finally {
    await opening?.then(
      (opened) => opened.close(),
      // It was thrown where the device was asked for.
      () => undefined,
    );
  }
}
