import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import type { OutgoingHttpHeaders } from 'node:http';
import { extname, join, sep } from 'node:path';
import type { Readable } from 'node:stream';

export interface StaticAnswer {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer | Readable;
}

interface Cached {
  /** Identity of the file's content as the file system tells it. */
  version: string;
  etag: string;
  body: Buffer;
}

/** Files above this are streamed, in large chunks, and not cached; bytes. */
const LARGEST_CACHED = 512 * 1024;
const CHUNK = 256 * 1024;

const TYPES: Record<string, string | undefined> = {
  '.css': 'text/css; charset=utf-8',
  '.gif': 'image/gif',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.xml': 'application/xml',
};

/** The files of one directory, small ones kept in memory. Nothing outside of it is reachable, by dots or by links. */
export class StaticFiles {
  readonly #directory: string;
  readonly #limit: number;
  readonly #cache = new Map<string, Cached>();
  #cached = 0;

  /** `limit`: bytes of files kept in memory. */
  constructor(directory: string, limit: number) {
    this.#directory = directory;
    this.#limit = limit;
  }

  /** The answer to a GET of this path (as in the request line, without query); undefined when there is no such file. */
  async find(path: string, ifNoneMatch?: string): Promise<StaticAnswer | undefined> {
    const name = decodePath(path);
    const file = name === undefined ? undefined : await this.#locate(name);
    if (!file) return undefined;
    if (file.isDirectory)
      return { status: 301, headers: { location: `${encodeURI(name ?? '')}/` }, body: Buffer.alloc(0) };
    const headers = { 'content-type': TYPES[extname(file.path).toLowerCase()] ?? 'application/octet-stream' };
    if (file.size > LARGEST_CACHED) {
      const body = createReadStream(file.path, { highWaterMark: CHUNK });
      return { status: 200, headers: { ...headers, 'content-length': file.size }, body };
    }
    const { etag, body } = await this.#read(file);
    const validators = { etag, 'cache-control': 'no-cache' };
    if (ifNoneMatch === etag) return { status: 304, headers: validators, body: Buffer.alloc(0) };
    return { status: 200, headers: { ...headers, ...validators, 'content-length': body.length }, body };
  }

  async #locate(
    name: string,
  ): Promise<{ path: string; version: string; size: number; isDirectory: boolean } | undefined> {
    try {
      const root = await realpath(this.#directory);
      const path = await realpath(join(root, name.endsWith('/') ? `${name}index.html` : name));
      if (path !== root && !path.startsWith(root + sep)) return undefined;
      const facts = await stat(path, { bigint: true });
      if (!facts.isFile() && !facts.isDirectory()) return undefined;
      const version = `${facts.ino}-${facts.size}-${facts.mtimeNs}`;
      return { path, version, size: Number(facts.size), isDirectory: facts.isDirectory() };
    } catch {
      // Missing, unreadable, a name too long, a loop of links: to the outside there is no such file.
      return undefined;
    }
  }

  async #read({ path, version }: { path: string; version: string }): Promise<Cached> {
    const present = this.#cache.get(path);
    if (present?.version === version) return present;
    const body = await readFile(path);
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    const entry = { version, etag, body };
    if (present) this.#cached -= present.body.length;
    this.#cache.delete(path);
    if (this.#cached + body.length <= this.#limit) {
      this.#cache.set(path, entry);
      this.#cached += body.length;
    }
    return entry;
  }
}

/** The decoded path; undefined for one that means nothing or hides: encoded slashes, zero bytes, dot files, `..`. */
function decodePath(path: string): string | undefined {
  // A redirect to a path with two slashes at its front would lead to another host.
  if (!path.startsWith('/') || path.startsWith('//') || /%2f|%5c/i.test(path)) return undefined;
  let name: string;
  try {
    name = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  if (name.includes('\0') || name.includes('\\')) return undefined;
  return name.split('/').some((part) => part.startsWith('.')) ? undefined : name;
}
