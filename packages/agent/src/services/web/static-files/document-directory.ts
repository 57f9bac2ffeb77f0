import { constants, type Stats } from 'node:fs';
import { type FileHandle, lstat, open, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pathWithin } from './path-within.ts';

/**
 * A directory of the documents, held open while something in it is changed: what else is put at its path meanwhile, a link to
 * the outside too, makes no difference.
 */
export class DocumentDirectory {
  readonly #handle: FileHandle;
  /** By which names in it are reached. */
  readonly #path: string;

  private constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  /** Undefined where there is none, and where links lead out of the root. `path` ends in a slash. */
  static async open(root: string, path: string): Promise<DocumentDirectory | undefined> {
    let handle: FileHandle | undefined;
    try {
      const found = await pathWithin(root, path);
      if (found === undefined) return undefined;
      handle = await open(found, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
      const held = `/proc/self/fd/${handle.fd}`;
      const opened = await readlink(held).catch(() => undefined);
      // Where the system does not show what is open, its path has to do.
      if (opened === undefined) return new DocumentDirectory(handle, found);
      if (opened === found) return new DocumentDirectory(handle, held);
    } catch {
      // Missing, no directory, unreadable, a loop of links.
    }
    await handle?.close();
    return undefined;
  }

  at(name: string): string {
    return join(this.#path, name);
  }

  /** Whether a name is a directory, or a link to one. */
  async hasDirectory(name: string): Promise<boolean> {
    return (await look(stat, this.at(name)))?.isDirectory() === true;
  }

  async has(name: string): Promise<boolean> {
    return (await look(lstat, this.at(name))) !== undefined;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

function look(how: (path: string) => Promise<Stats>, path: string): Promise<Stats | undefined> {
  return how(path).catch(() => undefined);
}
