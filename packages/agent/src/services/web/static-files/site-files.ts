import type { Readable } from 'node:stream';
import { FileCache } from './file-cache.ts';
import { type LocatedFile, locateFile, openLocated } from './located-file.ts';
import { MediaTypes } from './mime.ts';
import { acceptedVariants } from './variants.ts';

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
  /** Decoded, as `decodeSitePath` does it. */
  path: string;
  /** Accept-Encoding of a request that may be answered by FILE.br or FILE.gz; undefined: by the file alone. */
  acceptEncoding?: string;
}

/** A file as it is now. */
export interface SiteFile {
  /** Absolute path of the file itself, also where a variant of it is sent. */
  path: string;
  type: string;
  /** Bytes. */
  size: number;
  /** Strong, with its quotes. */
  etag: string;
  /** Milliseconds since 1970. */
  modified: number;
  encoding: 'br' | 'gzip' | undefined;
  /** All of it, where it is kept in memory. */
  bytes: Buffer | undefined;
  /** Bytes from `start` to `end`, both included; undefined when another file lies there by now. */
  read(start: number, end: number): Promise<Readable | undefined>;
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

  get root(): string {
    return this.#options.root;
  }

  /** Bytes of files that are kept in memory. */
  get cache(): number {
    return this.#options.cache;
  }

  /** The file at a path; the directory that it is, with its slash; undefined when there is neither. */
  async find({
    path: name,
    acceptEncoding,
  }: FileQuestion): Promise<SiteFile | { directory: string } | undefined> {
    const plain = await this.#locate(name);
    if (plain?.isDirectory) return { directory: `${name}/` };
    const whole = name.endsWith('/') ? `${name}${this.#options.index}` : name;
    for (const { encoding, ending } of acceptedVariants(acceptEncoding)) {
      const variant = await this.#locate(`${whole}${ending}`);
      if (variant && !variant.isDirectory) return this.#open(variant, whole, encoding);
    }
    return plain && this.#open(plain, plain.path, undefined);
  }

  #locate(name: string): Promise<LocatedFile | undefined> {
    return locateFile(this.#options.root, name, this.#options.index);
  }

  async #open(
    file: LocatedFile,
    path: string,
    encoding: SiteFile['encoding'],
  ): Promise<SiteFile | undefined> {
    const { size, modified, version } = file;
    const cached = this.#cache.holds(size) ? await this.#cache.read(file) : undefined;
    if (!cached && this.#cache.holds(size)) return undefined;
    return {
      ...{ path, type: this.#types.of(path), size, modified, encoding },
      etag: cached?.etag ?? `"${version}"`,
      bytes: cached?.body,
      read: (start, end) => readPart(file, start, end),
    };
  }
}

async function readPart(file: LocatedFile, start: number, end: number): Promise<Readable | undefined> {
  const handle = await openLocated(file);
  // Not beyond the end that was said, though the file may grow meanwhile.
  return handle?.createReadStream({ highWaterMark: CHUNK, start, end });
}
