import { mkdtempSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CodedError } from '@ioto/runtime';

/** Bytes of a socket's path with the zero behind it, on the systems with the least room for it. */
const LONGEST_PATH = 104;

const NAME = 'tls.sock';

/** Where a socket may be made that nobody but this user can get at. */
export interface PrivateSocketPath {
  path: string;
  /** Takes away what was made for it. */
  remove(): Promise<void>;
}

/**
 * In `directory`, which is private already and in which nobody else makes such a socket; else, when that would be too
 * long a path for a socket, in a new private directory for temporary files.
 *
 * @throws SOCKET_PATH_TOO_LONG
 */
export async function privateSocketPath(directory?: string): Promise<PrivateSocketPath> {
  if (directory !== undefined && fits(directory)) {
    const path = join(directory, NAME);
    const remove = () => rm(path, { force: true });
    // A program that was killed has left it behind.
    await remove();
    return { path, remove };
  }
  const made = mkdtempSync(join(tmpdir(), 'ioto-'));
  const path = join(made, NAME);
  if (!fits(made)) {
    rmSync(made, { recursive: true });
    throw new CodedError(
      'SOCKET_PATH_TOO_LONG',
      `${path} is too long for a socket: set TMPDIR to a shorter one`,
    );
  }
  return { path, remove: () => rm(made, { recursive: true, force: true }) };
}

function fits(directory: string): boolean {
  return Buffer.byteLength(join(directory, NAME)) < LONGEST_PATH;
}
