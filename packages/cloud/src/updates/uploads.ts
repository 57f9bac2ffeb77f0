import { createReadStream } from 'node:fs';
import { open, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Clock, type Component, isUlid, makePrivateDirectory, newUlid, systemCode } from '@ioto/runtime';
import { Turns } from '../devices/turns.ts';
import { updateError } from './update-record.ts';

/** Bytes of an image. */
export const LARGEST_IMAGE = 2 * 1024 ** 3;
/** Bytes of one piece of an upload. */
export const LARGEST_PIECE = 4 * 1024 ** 2;
/** Uploads that are under way at once. */
const MOST = 8;
/** Milliseconds after its last piece that an upload is given up; and that it has to make room for another. */
const PATIENCE = 24 * 3_600_000;
const IDLE = 10 * 60_000;

/**
 * Images on their way in, piece by piece, so that a slow line is no slow request and one that breaks goes on where it was.
 * What is here is no one's yet: publishing takes it over.
 */
export class Uploads implements Component {
  readonly name = 'uploads';
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #turns = new Turns();

  constructor({ directory, clock }: { directory: string; clock: Clock }) {
    this.#directory = directory;
    this.#clock = clock;
  }

  async start(): Promise<void> {
    makePrivateDirectory(this.#directory);
    await this.#running(PATIENCE);
  }

  async stop(): Promise<void> {}

  /** A new upload's ID. @throws UPLOAD_LIMIT (429) */
  async begin(): Promise<string> {
    return this.#turns.run('', async () => {
      const full = (await this.#running(PATIENCE)) >= MOST && (await this.#running(IDLE)) >= MOST;
      if (full) {
        const message = `${MOST} uploads are under way: publish or drop one of them first`;
        throw updateError('UPLOAD_LIMIT', message, { retryAfter: 60_000 });
      }
      const id = newUlid(this.#clock.now());
      await (await open(this.#path(id), 'wx', 0o600)).close();
      return id;
    });
  }

  /**
   * Adds a piece that begins at `offset`; resolves the bytes that are there now.
   *
   * @throws UPLOAD_UNKNOWN (404); UPLOAD_OFFSET (409), which says how much is there; UPLOAD_TOO_LARGE (413); UPLOAD_NO_ROOM (507).
   */
  async append(id: string, offset: number, piece: Uint8Array): Promise<number> {
    return this.#turns.run(id, async () => {
      const size = await this.sizeOf(id);
      if (offset !== size)
        throw updateError('UPLOAD_OFFSET', `${size} bytes of it are here: go on from there`);
      if (size + piece.length > LARGEST_IMAGE) {
        throw updateError('UPLOAD_TOO_LARGE', `an image may have ${LARGEST_IMAGE} bytes`);
      }
      const handle = await open(this.#path(id), 'r+');
      try {
        await writeAll(handle, piece, offset);
      } catch (error) {
        await handle.truncate(offset);
        if (systemCode(error) !== 'ENOSPC') throw error;
        throw updateError('UPLOAD_NO_ROOM', 'there is no room for this on the disk of the cloud', {
          cause: error,
        });
      } finally {
        await handle.close();
      }
      return size + piece.length;
    });
  }

  /** Bytes that are there. @throws UPLOAD_UNKNOWN (404) */
  async sizeOf(id: string): Promise<number> {
    try {
      if (isUlid(id)) return (await stat(this.#path(id))).size;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
    }
    throw updateError('UPLOAD_UNKNOWN', 'there is no such upload: begin another');
  }

  /** All that came. @throws UPLOAD_UNKNOWN (404) */
  async content(id: string): Promise<AsyncIterable<Buffer>> {
    await this.sizeOf(id);
    return createReadStream(this.#path(id), { highWaterMark: 1024 * 1024 });
  }

  async end(id: string): Promise<void> {
    if (isUlid(id)) await rm(this.#path(id), { force: true });
  }

  /** Drops what nobody goes on with, and counts the others. */
  async #running(patience: number): Promise<number> {
    let running = 0;
    for (const file of await readdir(this.#directory)) {
      const path = join(this.#directory, file);
      const { mtimeMs } = await stat(path);
      if (this.#clock.now() - mtimeMs > patience) await rm(path, { force: true });
      else running += 1;
    }
    return running;
  }

  #path(id: string): string {
    return join(this.#directory, id);
  }
}

async function writeAll(
  handle: {
    write(bytes: Uint8Array, at: number, length: number, position: number): Promise<{ bytesWritten: number }>;
  },
  piece: Uint8Array,
  offset: number,
): Promise<void> {
  for (let at = 0; at < piece.length; ) {
    at += (await handle.write(piece, at, piece.length - at, offset + at)).bytesWritten;
  }
}
