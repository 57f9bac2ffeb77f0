import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '@ioto/runtime';

/** Bytes that a unix socket's address takes at most, its final zero included (unix(7): sun_path is 108 on Linux, 104 on BSD). */
const LONGEST_ADDRESS = 104;
export const NAME = 'control.sock';

/** An address of the socket that fits, and what to give back when it is not used any more. */
export interface Address {
  path: string;
  release(): void;
}

/**
 * `STATE/control.sock`, or, where that is too long for a socket's address, the same file by way of an open directory.
 *
 * @throws CONTROL_PATH where the system has no such way.
 */
export function addressIn(state: string): Address {
  const path = join(state, NAME);
  if (Buffer.byteLength(path) < LONGEST_ADDRESS) return { path, release: () => undefined };
  if (process.platform !== 'linux') {
    throw new CodedError('CONTROL_PATH', `${path} is too long for a socket: choose a shorter --state`);
  }
  const directory = openSync(state, 'r');
  return { path: `/proc/self/fd/${directory}/${NAME}`, release: () => closeSync(directory) };
}
