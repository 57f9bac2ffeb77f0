import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { type LocatedFile, openLocated } from './located-file.ts';

/** A file in memory. */
export interface CachedFile {
  version: string;
  /** Strong: of the content. */
  etag: string;
  body: Buffer;
}

/** Files kept in memory by their paths; those that were not asked for the longest go first. */
export class FileCache {
  readonly #limit: number;
  readonly #files = new Map<string, CachedFile>();
  #bytes = 0;

  /** `limit`: bytes of all together; one file may take half of it. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether a file of so many bytes is kept. */
  holds(size: number): boolean {
    return size <= this.#limit / 2;
  }

  /** The content of a file that `holds`; undefined when it changes while it is read. */
  async read(file: LocatedFile): Promise<CachedFile | undefined> {
    const present = this.#files.get(file.path);
    if (present) this.#drop(file.path, present);
    const cached = present?.version === file.version ? present : await load(file);
    if (cached) this.#keep(file.path, cached);
    return cached;
  }

  #keep(path: string, file: CachedFile): void {
    const other = this.#files.get(path);
    if (other) this.#drop(path, other);
    this.#files.set(path, file);
    this.#bytes += file.body.length;
    for (const [oldest, { body }] of this.#files) {
      if (this.#bytes <= this.#limit) break;
      this.#files.delete(oldest);
      this.#bytes -= body.length;
    }
  }

  #drop(path: string, { body }: CachedFile): void {
    this.#files.delete(path);
    this.#bytes -= body.length;
  }
}

async function load(file: LocatedFile): Promise<CachedFile | undefined> {
  const handle = await openLocated(file);
  if (!handle) return undefined;
  try {
    const body = await contentOf(handle, file.size);
    if (!body) return undefined;
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    return { version: file.version, etag, body };
  } finally {
    await handle.close();
  }
}

async function contentOf(handle: FileHandle, size: number): Promise<Buffer | undefined> {
  const body = Buffer.allocUnsafe(size);
  let at = 0;
  while (at < size) {
    const { bytesRead } = await handle.read(body, at, size - at, at);
    if (bytesRead === 0) return undefined;
    at += bytesRead;
  }
  return body;
}
