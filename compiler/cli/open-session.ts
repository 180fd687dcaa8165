/** Opens a device, an artifact and a session on it, and closes them whatever happens. */
import { RuntimeFault } from '../../runtime/errors.ts';
import { Option, type Command } from 'commander';
import type { Artifact, ProfileName } from '../../runtime/artifact.ts';
import type { OpenedDevice } from '../../runtime/node/device/device.ts';
import { createSession, type Session } from '../../runtime/session.ts';
import { withLazyDevice as lazily } from '../driver/device.ts';
import type { Context } from './command.ts';

/** How an artifact that lies in a folder is run. */
export interface ArtifactFlags {
  readonly profile?: ProfileName;
  readonly trust?: boolean;
}

export const artifactFlags = (command: Command): Command =>
  command
    .addOption(
      new Option('--profile <name>', 'the plan to run; by itself, the one made for this kind of adapter').choices([
        'software',
        'gpu',
      ]),
    )
    .option('--trust', 'leave out bounds checks on software adapters: for artifacts that are trusted like code');

/** What runs on a device: an artifact from a folder, vouched for or not, or what this process compiled. */
export interface Trust {
  readonly trust?: boolean;
}
export const ownCode: Trust = { trust: true };

/** Runs `work` with the device that `--adapter` asks for; the process can exit by itself afterwards. */
export const withDevice = <T>(context: Context, trust: Trust, work: (opened: OpenedDevice) => Promise<T>): Promise<T> =>
  withLazyDevice(context, trust, async (device) => work(await device()));

/** The same for work that may need no device: it is opened at the first call. */
export const withLazyDevice = <T>(
  { output, adapter }: Context,
  { trust: trusted = false }: Trust,
  work: (device: () => Promise<OpenedDevice>) => Promise<T>,
): Promise<T> => lazily({ adapter, trusted, onNotice: (text) => output.note(text) }, work);

/** A session with the plan for this adapter, or with the one that the flags name. Throws E0715 where there is none. */
export function sessionFor(
  { device, info }: OpenedDevice,
  artifact: Artifact,
  folder: string,
  { profile = info.profile }: ArtifactFlags = {},
): Promise<Session> {
  const { plans } = artifact.manifest;
  if (plans[profile]) return createSession(device, artifact, { profile });
  const built = Object.keys(plans).join(', ');
  const wanted = profile === info.profile ? 'this adapter takes those for' : '--profile asks for those of';
  throw new RuntimeFault(
    'E0715',
    'input',
    `${folder} holds kernels for ${built || 'no adapter'}, and ${wanted} ${profile}`,
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
  flags: ArtifactFlags,
  work: (open: OpenArtifact) => Promise<T>,
): Promise<T> {
  return withDevice(context, flags, async (opened) => {
    const session = await sessionFor(opened, artifact, folder, flags);
    try {
      return await work({ opened, artifact, session });
    } finally {
      session.dispose();
    }
  });
}
