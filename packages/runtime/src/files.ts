import { randomBytes } from 'node:crypto';
import { closeSync, constants, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from './errors.ts';

export interface WriteOptions {
  /** File mode; state is private unless said otherwise. */
  mode?: number;
}

/**
 * Replaces `path` so that a power cut leaves either the old or the new content: writes beside it, fsyncs, renames, and
 * fsyncs the directory. Creates missing directories with mode 0700.
 */
export async function writeFileDurably(
  path: string,
  content: string | Uint8Array,
  { mode = 0o600 }: WriteOptions = {},
): Promise<void> {
  const directory = dirname(path);
  makePrivateDirectory(directory);
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  try {
    const handle = await open(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, mode);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
  syncDirectory(directory);
}

/**
 * Makes a directory and what is missing above it, mode 0700; one that exists stays as it is. Not by Node's `recursive`,
 * which never returns where the file system answers ENOENT to a name that it will not make (/proc, some FUSE).
 */
export function makePrivateDirectory(directory: string): void {
  try {
    mkdirSync(directory, { mode: 0o700 });
  } catch (error) {
    if (systemCode(error) === 'EEXIST' && isDirectory(directory)) return;
    const parent = dirname(directory);
    if (systemCode(error) !== 'ENOENT' || parent === directory || isDirectory(parent)) throw error;
    makePrivateDirectory(parent);
    makePrivateDirectory(directory);
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/** Removes `path` durably; a missing file is no error. */
export async function removeFileDurably(path: string): Promise<void> {
  await rm(path, { force: true });
  syncDirectory(dirname(path));
}

/** Makes the names in a directory durable. Directories that do not exist, or systems without directory fsync, are skipped. */
export function syncDirectory(directory: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(directory, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'EISDIR') return;
    throw error;
  }
  try {
    fsyncSync(descriptor);
  } catch (error) {
    if (systemCode(error) !== 'EINVAL' && systemCode(error) !== 'EPERM') throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** The text of a file, or undefined when there is none. Every other failure is thrown. */
export async function readTextIfPresent(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}
