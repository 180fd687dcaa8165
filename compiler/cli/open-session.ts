/** Opens a device, an artifact and a session on it, and closes them whatever happens. */
import { RuntimeFault } from '../../runtime/errors.ts';
import type { Artifact } from '../../runtime/artifact.ts';
import { openDevice, type OpenedDevice } from '../../runtime/node/device.ts';
import { createSession, type Session } from '../../runtime/session.ts';
import type { Context } from './command.ts';

/** Runs `work` with the device that `--adapter` asks for; the process can exit by itself afterwards. */
export const withDevice = <T>(context: Context, work: (opened: OpenedDevice) => Promise<T>): Promise<T> =>
  withLazyDevice(context, async (device) => work(await device()));

/** The same for work that may need no device: it is opened at the first call. */
export async function withLazyDevice<T>(
  { output, adapter }: Context,
  work: (device: () => Promise<OpenedDevice>) => Promise<T>,
): Promise<T> {
  let lost: RuntimeFault | undefined;
  let opening: Promise<OpenedDevice> | undefined;
  const open = (): Promise<OpenedDevice> =>
    (opening ??= openDevice({
      adapter,
      onNotice: (text) => output.note(text),
      onLost: (fault) => (lost = fault),
    }));
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

/** A session with the plan for this adapter. Throws E0715 where the artifact was built without it. */
export function sessionFor({ device, info }: OpenedDevice, artifact: Artifact, folder: string): Promise<Session> {
  const { plans } = artifact.manifest;
  if (plans[info.profile]) return createSession(device, artifact, { profile: info.profile });
  const built = Object.keys(plans).join(', ');
  throw new RuntimeFault(
    'E0715',
    'input',
    `${folder} holds kernels for ${built || 'no adapter'}, and this adapter takes those for ${info.profile}`,
    'build it again with --profile both',
  );
}

export interface OpenArtifact {
  readonly opened: OpenedDevice;
  readonly artifact: Artifact;
  readonly session: Session;
}

/** Runs `work` with a session on the device that `--adapter` asks for. */
export function withSession<T>(
  context: Context,
  artifact: Artifact,
  folder: string,
  work: (open: OpenArtifact) => Promise<T>,
): Promise<T> {
  return withDevice(context, async (opened) => {
    const session = await sessionFor(opened, artifact, folder);
    try {
      return await work({ opened, artifact, session });
    } finally {
      session.dispose();
    }
  });
}
