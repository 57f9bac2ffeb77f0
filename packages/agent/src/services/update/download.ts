import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rename, rm, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import type { UpdateAnswer } from '@ioto/protocol';
import { type Clock, sleep, syncDirectory, systemCode } from '@ioto/runtime';
import type { UrlAnswer, UrlFetch } from '../url/fetch.ts';
import { updateError } from './errors.ts';
import { tooLarge } from './offer.ts';
import { Throttle } from './throttle.ts';

/** Bytes that stay free on the disk, for everything else that the device writes. */
const RESERVE = 4 * 1024 * 1024;

export interface DownloadOptions {
  fetch: UrlFetch;
  clock: Clock;
  directory: string;
  /** Bytes in a second. */
  rate: number;
  /** Bytes. */
  maxSize: number;
  /** Milliseconds without a byte after which the connection is given up. */
  patience: number;
}

/** Where an image lies while it comes, and when it is whole. */
export const partOf = (directory: string) => join(directory, 'image.part');
export const imageOf = (directory: string) => join(directory, 'image');

/**
 * Fetches an image to `image`, going on where an earlier call was cut off; what came is hashed as it comes. `progress` hears the
 * bytes that are there.
 *
 * @throws UPDATE_TRUNCATED, with what came kept; UPDATE_CHECKSUM and UPDATE_TOO_LARGE, with nothing kept; UPDATE_NO_ROOM;
 * UPDATE_URL when the URL holds no longer; URL_… when there is no connection.
 */
export async function download(
  offer: UpdateAnswer,
  options: DownloadOptions,
  { progress, signal }: { progress: (received: number, size: number) => void; signal: AbortSignal },
): Promise<void> {
  const { directory } = options;
  const handle = await openPart(partOf(directory));
  try {
    const part = await Part.resume(handle, partOf(directory), offer.size);
    const resumed = part.length;
    if (part.length !== offer.size) await fetchRest(offer, part, options, { progress, signal });
    if (part.digest() !== offer.checksum.toLowerCase()) {
      await part.empty();
      // The end of a file that a power cut left may be anything: that is no fault of the image.
      throw updateError('UPDATE_CHECKSUM', 'the image does not have the SHA-256 that the cloud names', {
        details: { resumed: resumed > 0 },
      });
    }
    await handle.sync();
  } catch (error) {
    throw systemCode(error) === 'ENOSPC' ? noRoom(error) : error;
  } finally {
    await handle.close();
  }
  await rename(partOf(directory), imageOf(directory));
  syncDirectory(directory);
}

/** Removes images, whole or not. */
export async function removeImages(directory: string): Promise<void> {
  for (const path of [partOf(directory), imageOf(directory)]) await rm(path, { force: true });
}

/** Removes what has come of an image; one that is whole stays. */
export async function removePart(directory: string): Promise<void> {
  await rm(partOf(directory), { force: true });
}

/** SHA-256 of the image that lies there, hexadecimal; undefined when there is none. */
export async function imageHash(directory: string): Promise<string | undefined> {
  const path = imageOf(directory);
  try {
    await stat(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
  return (await hashOf(path)).digest('hex');
}

/** What has come of an image. */
class Part {
  readonly #handle: FileHandle;
  #hash: Hash;
  length: number;

  private constructor(handle: FileHandle, hash: Hash, length: number) {
    this.#handle = handle;
    this.#hash = hash;
    this.length = length;
  }

  static async resume(handle: FileHandle, path: string, size: number | undefined): Promise<Part> {
    const { size: length } = await handle.stat();
    const part = new Part(handle, await hashOf(path), length);
    if (size !== undefined && length > size) await part.empty();
    return part;
  }

  async add(piece: Buffer): Promise<void> {
    for (let at = 0; at < piece.length; ) {
      at += (await this.#handle.write(piece, at, piece.length - at, this.length + at)).bytesWritten;
    }
    this.#hash.update(piece);
    this.length += piece.length;
  }

  async empty(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = createHash('sha256');
    this.length = 0;
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

async function fetchRest(
  offer: UpdateAnswer,
  part: Part,
  options: DownloadOptions,
  { progress, signal }: { progress: (received: number, size: number) => void; signal: AbortSignal },
): Promise<void> {
  const { fetch, clock, rate, directory, maxSize, patience } = options;
  if (offer.size !== undefined) await requireRoom(directory, offer.size - part.length);
  const headers = part.length > 0 ? { range: `bytes=${part.length}-` } : undefined;
  const answer = await fetch(offer.url, { stream: true, headers, timeout: patience, signal });
  const stream = answer.stream as Readable;
  try {
    const size = await begin(answer, part, offer.size);
    const most = size ?? maxSize;
    if (most > maxSize) throw tooLarge(most, maxSize);
    if (offer.size === undefined && size !== undefined) await requireRoom(directory, size - part.length);
    const throttle = new Throttle(rate);
    for await (const piece of pieces(stream, { clock, patience, signal })) {
      if (part.length + piece.length > most) {
        await part.empty();
        throw size === undefined ? tooLarge(most + 1, maxSize) : longer(size);
      }
      await part.add(piece);
      progress(part.length, size ?? 0);
      const wait = throttle.after(piece.length, clock.now());
      if (wait > 0) await sleep(clock, wait, signal);
    }
    if (size !== undefined && part.length < size) throw truncated(part.length, size);
  } catch (error) {
    signal.throwIfAborted();
    throw isBroken(error) ? truncated(part.length, offer.size, error) : error;
  } finally {
    stream.destroy();
  }
}

/** Sees to it that what follows is what the part lacks; resolves the bytes of the whole image, where they are known. */
async function begin(
  { status, headers }: UrlAnswer,
  part: Part,
  offered: number | undefined,
): Promise<number | undefined> {
  if (status === 206) {
    const [, first, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
    if (Number(first) !== part.length) {
      await part.empty();
      throw updateError(
        'UPDATE_TRUNCATED',
        'the server sent another part of the image than it was asked for',
      );
    }
    return sizeOf(total === '*' ? undefined : total, offered);
  }
  if (status === 200) {
    // It knows no ranges, or has something else than before: from the beginning.
    await part.empty();
    return sizeOf(headers['content-length'], offered);
  }
  if (status === 416) {
    await part.empty();
    throw updateError(
      'UPDATE_TRUNCATED',
      'the server has less of the image than had come: it is fetched anew',
    );
  }
  if ([401, 403, 404, 410].includes(status)) {
    throw updateError('UPDATE_URL', `the image is not to be had there any more (${status})`);
  }
  const seconds = Number(headers['retry-after']);
  throw updateError('UPDATE_TRUNCATED', `the server of the image answered ${status}`, {
    retryAfter: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined,
  });
}

function sizeOf(said: string | undefined, offered: number | undefined): number | undefined {
  const size = said === undefined ? undefined : Number(said);
  if (size === undefined || offered === undefined) return offered ?? size;
  if (size < offered) throw truncated(size, offered);
  if (size > offered) throw longer(offered);
  return size;
}

/** The pieces of a body; ends with an error when none comes for `patience` milliseconds. */
async function* pieces(
  stream: Readable,
  { clock, patience, signal }: { clock: Clock; patience: number; signal: AbortSignal },
): AsyncGenerator<Buffer> {
  const stalled = () =>
    stream.destroy(updateError('UPDATE_TRUNCATED', `nothing came for ${patience / 1000} s`));
  const onAbort = () => stream.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  let cancel = clock.after(patience, stalled);
  try {
    signal.throwIfAborted();
    for await (const piece of stream) {
      cancel();
      yield piece as Buffer;
      cancel = clock.after(patience, stalled);
    }
  } finally {
    cancel();
    signal.removeEventListener('abort', onAbort);
  }
}

async function openPart(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return open(path, 'w+', 0o600);
  }
}

async function hashOf(path: string): Promise<Hash> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path, { highWaterMark: 256 * 1024 }))
    hash.update(piece as Buffer);
  return hash;
}

/** @throws UPDATE_NO_ROOM where the disk would have too little left for everything else. */
export async function requireRoom(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bytes + RESERVE > bavail * bsize) throw noRoom();
}

export function noRoom(cause?: unknown) {
  return updateError('UPDATE_NO_ROOM', 'there is no room for the image on the disk of the device', { cause });
}

function longer(size: number) {
  return updateError('UPDATE_CHECKSUM', `the server sends more than the ${size} bytes of the image`);
}

function truncated(length: number, size: number | undefined, cause?: unknown) {
  const message = `the image broke off after ${length}${size === undefined ? '' : ` of ${size}`} bytes`;
  return updateError('UPDATE_TRUNCATED', message, { cause });
}

/** A connection that ended within the body. */
function isBroken(error: unknown): boolean {
  const code = systemCode(error) ?? '';
  return /^(ECONN|EPIPE|ETIMEDOUT|ERR_STREAM_PREMATURE_CLOSE|ERR_SSL|HPE_)/.test(code);
}
