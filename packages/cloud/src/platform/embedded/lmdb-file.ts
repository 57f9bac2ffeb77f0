import { type FileHandle, open as openFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '@ioto/runtime';
import type { RootDatabase } from 'lmdb';

/** Milliseconds that closing may take; after a failed commit lmdb may wait for ever for a flush that will not come. */
const CLOSE_PATIENCE = 2000;

/** The first page's header, which some builds make longer, and then LMDB's magic number, little-endian. */
const HEADER_LENGTHS = [16, 24];
const MAGIC = 0xbeefc0de;

/** How every store here opens its environment. */
export const LMDB_OPTIONS = {
  noSubdir: false,
  keyEncoding: 'binary',
  // With it lmdb makes a promise for each turn's batch that nobody holds: a full disk would then end the process.
  eventTurnBatching: false,
} as const;

/** What is wrong with the file that an environment in `directory` would open, if anything: lmdb ends the process on it. */
export async function lmdbFileFault(directory: string): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await openFile(join(directory, 'data.mdb'), 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(28), 0, 28, 0);
    const isLmdb = bytesRead === 28 && HEADER_LENGTHS.some((at) => buffer.readUInt32LE(at) === MAGIC);
    return bytesRead === 0 || isLmdb ? undefined : 'its beginning is not that of an LMDB file';
  } finally {
    await file.close();
  }
}

/** Closes an environment, or gives up on it. */
export async function closeLmdb(database: Pick<RootDatabase, 'close'>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, CLOSE_PATIENCE);
  });
  await Promise.race([database.close(), patience]);
  clearTimeout(timer);
}
