import { extname } from 'node:path';

const TYPES: Readonly<Record<string, string | undefined>> = {
  '.avif': 'image/avif',
  '.bin': 'application/octet-stream',
  '.css': 'text/css; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.gif': 'image/gif',
  '.gz': 'application/gzip',
  '.htm': 'text/html; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.md': 'text/markdown; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webm': 'video/webm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff': 'font/woff',
  '.woff2': 'font/woff2',
  '.xml': 'application/xml',
  '.zip': 'application/zip',
};
const UNKNOWN = 'application/octet-stream';

/** Media types by the ending of a file's name; `own` are the maker's (`web.mime`), with or without the dot. */
export class MediaTypes {
  readonly #own: ReadonlyMap<string, string>;

  constructor(own: Readonly<Record<string, string>> = {}) {
    this.#own = new Map(
      Object.entries(own).map(([ending, type]) => [`.${ending.replace(/^\./, '').toLowerCase()}`, type]),
    );
  }

  of(file: string): string {
    const ending = extname(file).toLowerCase();
    return this.#own.get(ending) ?? TYPES[ending] ?? UNKNOWN;
  }
}
