import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import {
  type Clock,
  type Component,
  isUlid,
  makePrivateDirectory,
  newUlid,
  removeFileDurably,
  syncDirectory,
  systemCode,
} from '@ioto/runtime';
import {
  type BlobStore,
  type ByteRange,
  blobError,
  type ExpectedBlob,
  type StoredBlob,
} from '../../ports/blob-store.ts';

/** What is being written, under a name that no blob has. */
const UNFINISHED = '.part';
/** Bytes that are read from the disk at once. */
const PIECE = 256 * 1024;

export interface FileBlobStoreOptions {
  directory: string;
  clock: Clock;
}

/** Blobs as files of one directory, each under its ID. */
export class FileBlobStore implements BlobStore, Component {
  readonly name = 'blob store';
  readonly #options: FileBlobStoreOptions;

  constructor(options: FileBlobStoreOptions) {
    this.#options = options;
  }

  /** Removes what an earlier run did not finish. */
  async start(): Promise<void> {
    const { directory } = this.#options;
    makePrivateDirectory(directory);
    for (const file of await readdir(directory)) {
      if (file.endsWith(UNFINISHED)) await rm(join(directory, file), { force: true });
    }
  }

  async stop(): Promise<void> {}

  async put(content: AsyncIterable<Uint8Array>, expected: ExpectedBlob = {}): Promise<StoredBlob> {
    const id = newUlid(this.#options.clock.now());
    const path = this.#path(id);
    const unfinished = path + UNFINISHED;
    try {
      const handle = await open(unfinished, 'wx', 0o600);
      let written: Omit<StoredBlob, 'id'>;
      try {
        written = await write(handle, content, expected);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(unfinished, path);
      syncDirectory(this.#options.directory);
      return { id, ...written };
    } catch (error) {
      await rm(unfinished, { force: true });
      if (systemCode(error) !== 'ENOSPC') throw error;
      throw blobError('BLOB_NO_ROOM', 'there is no room for this on the disk of the cloud', { cause: error });
    }
  }

  async sizeOf(id: string): Promise<number | undefined> {
    if (!isUlid(id)) return undefined;
    try {
      return (await stat(this.#path(id))).size;
    } catch (error) {
      if (systemCode(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async read(id: string, range?: ByteRange): Promise<Readable> {
    if (!isUlid(id)) throw unknown();
    try {
      const handle = await open(this.#path(id));
      const part = range ? { start: range.first, end: range.last } : {};
      return handle.createReadStream({ ...part, highWaterMark: PIECE });
    } catch (error) {
      throw systemCode(error) === 'ENOENT' ? unknown() : error;
    }
  }

  async remove(id: string): Promise<void> {
    if (isUlid(id)) await removeFileDurably(this.#path(id));
  }

  async list(): Promise<string[]> {
    return (await readdir(this.#options.directory)).filter((file) => isUlid(file));
  }

  #path(id: string): string {
    return join(this.#options.directory, id);
  }
}

async function write(
  handle: FileHandle,
  content: AsyncIterable<Uint8Array>,
  expected: ExpectedBlob,
): Promise<Omit<StoredBlob, 'id'>> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const piece of content) {
    size += piece.length;
    if (expected.size !== undefined && size > expected.size) throw wrongSize(expected.size, 'more');
    hash.update(piece);
    for (let at = 0; at < piece.length; ) at += (await handle.write(piece, at)).bytesWritten;
  }
  const sha256 = hash.digest('hex');
  if (expected.size !== undefined && size < expected.size) throw wrongSize(expected.size, `${size}`);
  if (expected.sha256 !== undefined && sha256 !== expected.sha256.toLowerCase()) {
    throw blobError('BLOB_CHECKSUM', `the content has the SHA-256 ${sha256}, not ${expected.sha256}`);
  }
  return { size, sha256 };
}

function wrongSize(expected: number, found: string) {
  return blobError('BLOB_SIZE', `the content was to have ${expected} bytes, and has ${found}`);
}

function unknown() {
  return blobError('BLOB_UNKNOWN', 'there is no such content');
}
