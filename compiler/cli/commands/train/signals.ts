/** Signals that ask a run to end: it saves what it has, and says with which command it goes on. */
import { exitCodes, type ExitCode } from '../../../driver/failure.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
export type EndingSignal = (typeof signals)[number];

/** 128 and the number of the signal, as shells count. */
const exits: Readonly<Record<EndingSignal, ExitCode>> = {
  SIGINT: exitCodes.interrupted,
  SIGTERM: exitCodes.terminated,
  SIGHUP: exitCodes.hungUp,
};

/** Why a run is to end. */
export class SignalReason extends Error {
  readonly exit: ExitCode;

  constructor(signal: EndingSignal) {
    super(`the run got ${signal}`);
    this.name = 'SignalReason';
    this.exit = exits[signal];
  }
}

/** The exit code of a run that was asked to end. */
export const exitOf = (signal: AbortSignal): ExitCode =>
  signal.reason instanceof SignalReason ? signal.reason.exit : exitCodes.interrupted;

/**
 * Runs `work` with a signal that Ctrl-C, SIGTERM (the stop of a container or a cluster) or SIGHUP (a closed terminal)
 * aborts. A second Ctrl-C ends the process at once: what is being saved may take longer than one wants to wait.
 */
export async function withSignals<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController();
  const listeners = signals.map((signal) => ({
    signal,
    listen: (): void => {
      if (signal === 'SIGINT' && abort.signal.aborted) process.exit(exitCodes.interrupted);
      abort.abort(new SignalReason(signal));
    },
  }));
  for (const { signal, listen } of listeners) process.on(signal, listen);
  try {
    return await work(abort.signal);
  } finally {
    for (const { signal, listen } of listeners) process.off(signal, listen);
  }
}
