/** Catches what is thrown, so that tests can look at code and message together. */
import { RuntimeFault } from '../../runtime/errors.ts';

/** `CODE: message` of the fault that `action` throws; anything else that is thrown is thrown on. */
export function faultOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof RuntimeFault) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no fault';
}

/** The same for a promise. */
export async function faultOfAsync(action: () => Promise<unknown>): Promise<string> {
  try {
    await action();
  } catch (error) {
    if (error instanceof RuntimeFault) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'no fault';
}
