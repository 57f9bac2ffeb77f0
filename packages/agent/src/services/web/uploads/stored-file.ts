import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makePrivateDirectory, syncDirectory, systemCode } from '@ioto/runtime';
import { orDiskFull, type RoomOf, requireRoom, UPLOAD_NAME } from './upload-place.ts';

/** Bytes between two looks at what room is left. */
const LOOK = 1024 * 1024;

export interface StoredFile {
  path: string;
  /** Bytes. */
  size: number;
  /** Hexadecimal. */
  sha256: string;
}

export interface Place {
  directory: string;
  roomOf: RoomOf;
  /** Bytes that were announced. */
  announced: number;
}

/**
 * Writes what comes into a file of a new name, which is gone again when that fails.
 *
 * @throws WEB_DISK_FULL; what the pieces throw
 */
export async function storeFile(pieces: AsyncIterable<Buffer>, place: Place): Promise<StoredFile> {
  const { directory, roomOf, announced } = place;
  const path = join(directory, newName());
  try {
    makePrivateDirectory(directory);
    requireRoom(await roomOf(directory), announced);
    const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      const hash = createHash('sha256');
      let size = 0;
      let looked = 0;
      for await (const piece of pieces) {
        hash.update(piece);
        size += piece.length;
        if (size - looked >= LOOK) {
          looked = size;
          requireRoom(await roomOf(directory), 0);
        }
        await handle.writeFile(piece);
      }
      return { path, size, sha256: hash.digest('hex') };
    } finally {
      await handle.close();
    }
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined);
    throw orDiskFull(error);
  }
}

/**
 * Moves a file, across file systems too, so that a power cut leaves either none or all of it at its new path.
 *
 * @param mode of the file there
 * @throws WEB_DISK_FULL; errors of the system where the directory is none or may not be written
 */
export async function moveDurably(from: string, to: string, mode = 0o600): Promise<void> {
  try {
    await settle(from, mode);
    await rename(from, to);
  } catch (error) {
    if (systemCode(error) !== 'EXDEV') throw orDiskFull(error);
    await copyAcross(from, to, mode);
  }
  syncDirectory(dirname(to));
}

async function copyAcross(from: string, to: string, mode: number): Promise<void> {
  // A dot file is none that the web server shows.
  const beside = join(dirname(to), `.${newName()}`);
  try {
    await copyFile(from, beside, constants.COPYFILE_EXCL);
    await settle(beside, mode);
    await rename(beside, to);
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    throw orDiskFull(error);
  }
  await rm(from, { force: true });
}

async function settle(path: string, mode: number): Promise<void> {
  const handle = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function newName(): string {
  return `${UPLOAD_NAME}${randomBytes(12).toString('hex')}`;
}
