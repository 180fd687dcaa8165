/** Commands in tests share a device. Tests of how a device is opened and closed are elsewhere, or start processes. */
import { vi } from 'vitest';
import { sharedDevice } from '../shared-device.ts';

vi.mock('../../runtime/node/device/device.ts', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../runtime/node/device/device.ts')>();
  return {
    ...real,
    openDevice: (options?: Parameters<typeof real.openDevice>[0]) => sharedDevice(options, real.openDevice),
  };
});
