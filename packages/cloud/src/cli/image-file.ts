import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { isAbsolute, resolve } from 'node:path';
import { CodedError, systemCode } from '@ioto/runtime';
import type { AdminClient } from './admin-client.ts';

/** Bytes that one call carries; the cloud takes 4 MiB. */
const PIECE = 2 * 1024 ** 2;

/** An image as its maker has it on disk. */
export interface ImageFile {
  path: string;
  size: number;
  sha256: string;
}

/** @throws CONFIG_INVALID when it cannot be read or is empty. */
export async function readImage(path: string): Promise<ImageFile> {
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const piece of createReadStream(path, { highWaterMark: PIECE })) {
      hash.update(piece);
      size += piece.length;
    }
  } catch (error) {
    throw new CodedError('CONFIG_INVALID', `cannot read ${path} (${systemCode(error)})`, { cause: error });
  }
  if (size === 0) throw new CodedError('CONFIG_INVALID', `${path} is empty`);
  return { path: isAbsolute(path) ? path : resolve(path), size, sha256: hash.digest('hex') };
}

/** Sends an image piece by piece; resolves the upload's ID. `tell` hears how far it is, in percent. */
export async function sendImage(
  client: AdminClient,
  image: ImageFile,
  tell: (percent: number) => void,
): Promise<string> {
  const upload = String((await client.send('/update/upload', Buffer.alloc(0))).upload);
  let offset = 0;
  let told = 0;
  for await (const piece of createReadStream(image.path, { highWaterMark: PIECE })) {
    await client.send(`/update/upload?upload=${upload}&offset=${offset}`, piece as Buffer);
    offset += piece.length;
    const percent = Math.floor((100 * offset) / image.size);
    if (percent >= told + 10 && percent < 100) {
      told = percent;
      tell(percent);
    }
  }
  return upload;
}
