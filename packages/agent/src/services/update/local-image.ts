import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, renameSync } from 'node:fs';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { UpdateAnswer } from '@ioto/protocol';
import { syncDirectory, systemCode } from '@ioto/runtime';
import isVersion from 'semver/functions/valid.js';
import type { LocalImage } from '../../service-apis.ts';
import { imageOf, noRoom, requireRoom } from './download.ts';
import { updateError } from './errors.ts';

/** Where an image lies that nobody has to fetch. No cloud can name it. */
const LOCAL_URL = 'file:image';
const PREFIX = 'local-';

/** Whether an offer was made on the device itself. */
export function isLocal({ url }: Pick<UpdateAnswer, 'url'>): boolean {
  return url === LOCAL_URL;
}

/** A copy of an image within the directory of updates, and the offer that it is. */
export interface Copied {
  offer: UpdateAnswer;
  /** Puts it in the place of the image. Without waiting, so that nothing comes in between. */
  place(): void;
  remove(): Promise<void>;
}

/**
 * Copies an image to the disk of the updates, where it can be put in its place in one step.
 *
 * @throws UPDATE_OFFER for what is no image or version; UPDATE_NO_ROOM
 */
export async function copyImage(
  { path, version, signature }: LocalImage,
  directory: string,
): Promise<Copied> {
  if (isVersion(version) !== version) {
    throw updateError('UPDATE_OFFER', `${JSON.stringify(version)} is no version such as 1.2.3`);
  }
  await removeCopies(directory);
  const facts = await stat(path).catch(() => undefined);
  if (!facts?.isFile() || facts.size === 0) throw updateError('UPDATE_OFFER', `there is no image at ${path}`);
  await requireRoom(directory, facts.size);
  const copy = join(directory, `${PREFIX}${randomUUID()}`);
  const hash = createHash('sha256');
  let size = 0;
  const remove = () => rm(copy, { force: true });
  try {
    await pipeline(
      createReadStream(path),
      async function* (pieces: AsyncIterable<Buffer>) {
        for await (const piece of pieces) {
          hash.update(piece);
          size += piece.length;
          yield piece;
        }
      },
      createWriteStream(copy, { mode: 0o600, flags: 'wx' }),
    );
    const handle = await open(copy, 'r+');
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    await remove();
    throw systemCode(error) === 'ENOSPC' ? noRoom(error) : error;
  }
  const checksum = hash.digest('hex');
  return {
    offer: { url: LOCAL_URL, version, checksum, size, ...(signature !== undefined && { signature }) },
    place() {
      const image = imageOf(directory);
      renameSync(copy, image);
      syncDirectory(dirname(image));
    },
    remove,
  };
}

/** Removes what a power cut has left of copies. */
async function removeCopies(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (name.startsWith(PREFIX)) await rm(join(directory, name), { force: true });
  }
}
