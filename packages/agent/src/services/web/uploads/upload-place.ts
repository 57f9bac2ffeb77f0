import { existsSync, realpathSync } from 'node:fs';
import { readdir, rm, statfs } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { systemCode } from '@ioto/runtime';
import type { Complain } from '../complain.ts';
import { webError } from '../errors.ts';

/** Bytes of a file system. */
export interface Room {
  free: number;
  total: number;
}

export type RoomOf = (directory: string) => Promise<Room>;

/** What uploads leave free: the device itself has to go on writing. */
const LEAST_PART = 0.05;
const LEAST_FREE = 1024 * 1024;

/** Names of ours. */
export const UPLOAD_NAME = 'ioto-upload-';
const OURS = /^ioto-upload-[0-9a-f]{24}$/;

/** @throws what `complain` makes of a directory that the web server would show to everybody. */
export function checkUploadDirectory(directory: string, documents: string, complain: Complain): void {
  const [inner, outer] = [directory, documents].map((path) => (existsSync(path) ? realpathSync(path) : path));
  if (`${inner}${sep}`.startsWith(`${outer}${sep}`)) {
    throw complain(['upload', 'dir'], 'lies in the documents, where anybody could fetch what was sent');
  }
}

/** Removes what an agent that was cut off has left of uploads. */
export async function clearUploads(directory: string): Promise<void> {
  try {
    const names = await readdir(directory);
    for (const name of names) if (OURS.test(name)) await rm(join(directory, name), { force: true });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}

export const roomOnDisk: RoomOf = async (directory) => {
  const { bsize, bavail, blocks } = await statfs(directory);
  return { free: bavail * bsize, total: blocks * bsize };
};

/** @throws WEB_DISK_FULL where so many bytes more would leave too little. */
export function requireRoom({ free, total }: Room, bytes: number): void {
  if (free - bytes < Math.max(LEAST_FREE, total * LEAST_PART)) throw diskFull();
}

/** What a failure to write is to the client, where it is the want of room. */
export function orDiskFull(error: unknown): unknown {
  return ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '') ? diskFull() : error;
}

function diskFull(): Error {
  return webError('WEB_DISK_FULL', 'the device has no room left for files');
}
