import type { OutgoingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { type CachedFile, FileCache } from './file-cache.ts';
import { type LocatedFile, locateFile, openLocated } from './located-file.ts';
import { MediaTypes } from './mime.ts';
import { decodeSitePath } from './site-path.ts';

/** Bytes of a piece in which large files are sent. */
const CHUNK = 256 * 1024;

export interface SiteFilesOptions {
  /** Directory of the documents. */
  root: string;
  /** File of a directory. */
  index: string;
  mime?: Readonly<Record<string, string>>;
  /** Bytes of files kept in memory. */
  cache: number;
}

export interface FileQuestion {
  /** As in the request line, without its query. */
  path: string;
  /** With its question mark; empty without one. */
  query: string;
  ifNoneMatch?: string;
  /** Cache-Control of a file, where the route says one. */
  cacheControl?: (file: string) => string | undefined;
}

export interface FileAnswer {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer | Readable;
  /** The whole content from memory, which may be given again. */
  isWhole?: boolean;
}

/** The files of one directory, small ones kept in memory. Nothing outside of it is reachable, by dots or by links. */
export class SiteFiles {
  readonly #options: SiteFilesOptions;
  readonly #types: MediaTypes;
  readonly #cache: FileCache;

  constructor(options: SiteFilesOptions) {
    this.#options = options;
    this.#types = new MediaTypes(options.mime);
    this.#cache = new FileCache(options.cache);
  }

  /** The answer to a GET; undefined when there is no such file. */
  async find({ path, query, ifNoneMatch, cacheControl }: FileQuestion): Promise<FileAnswer | undefined> {
    const name = decodeSitePath(path);
    if (name === undefined) return undefined;
    const file = await locateFile(this.#options.root, name, this.#options.index);
    if (!file) return undefined;
    if (file.isDirectory) {
      const location = `${encodeURI(name)}/${query}`;
      return { status: 301, headers: { location, 'content-length': 0 }, body: Buffer.alloc(0) };
    }
    const caching = cacheControl?.(file.path) ?? 'no-cache';
    return this.#cache.holds(file.size)
      ? this.#whole(file, caching, ifNoneMatch)
      : this.#streamed(file, caching, ifNoneMatch);
  }

  async #whole(
    file: LocatedFile,
    caching: string,
    ifNoneMatch: string | undefined,
  ): Promise<FileAnswer | undefined> {
    const cached: CachedFile | undefined = await this.#cache.read(file);
    if (!cached) return undefined;
    const validators = validatorsOf(cached.etag, file, caching);
    if (ifNoneMatch === cached.etag) return { status: 304, headers: validators, body: Buffer.alloc(0) };
    return {
      status: 200,
      headers: {
        'content-type': this.#types.of(file.path),
        'content-length': cached.body.length,
        ...validators,
      },
      body: cached.body,
      isWhole: true,
    };
  }

  async #streamed(
    file: LocatedFile,
    caching: string,
    ifNoneMatch: string | undefined,
  ): Promise<FileAnswer | undefined> {
    const etag = `"${file.version}"`;
    const validators = validatorsOf(etag, file, caching);
    if (ifNoneMatch === etag) return { status: 304, headers: validators, body: Buffer.alloc(0) };
    const handle = await openLocated(file);
    if (!handle) return undefined;
    const headers = {
      'content-type': this.#types.of(file.path),
      'content-length': file.size,
      ...validators,
    };
    // Not beyond the length that was said, though the file may grow meanwhile.
    const body = handle.createReadStream({ highWaterMark: CHUNK, start: 0, end: file.size - 1 });
    return { status: 200, headers, body };
  }
}

function validatorsOf(etag: string, { modified }: LocatedFile, caching: string): OutgoingHttpHeaders {
  return { etag, 'last-modified': new Date(modified).toUTCString(), 'cache-control': caching };
}
