import { unlink } from 'node:fs/promises';
import { syncDirectory } from '@ioto/runtime';
import { weighConditions } from '../conditional/preconditions.ts';
import { webError } from '../errors.ts';
import { NOT_FOUND } from '../request-path/send.ts';
import type { WebRequest } from '../request-path/web-request.ts';
import { moveDurably } from '../uploads/stored-file.ts';
import { DocumentDirectory } from './document-directory.ts';
import type { SiteFiles } from './site-files.ts';

/** Where files are readable to other programs of the device, as those of its maker are. */
const MODE = 0o644;

/** Changes files of the documents, one after the other, so that the conditions of a request hold when it comes to it. */
export class DocumentWriter {
  readonly #files: SiteFiles;
  readonly #changed: () => void;
  #last: Promise<unknown> = Promise.resolve();

  /** `changed`: called as soon as something is another. */
  constructor(files: SiteFiles, changed: () => void) {
    this.#files = files;
    this.#changed = changed;
  }

  /**
   * Whether a file may be put at a path, as things are: asked before its content has come.
   *
   * @throws WEB_CONFLICT for a directory, or where there is none to put it in; WEB_CONDITION
   */
  async check(path: string, request: WebRequest): Promise<void> {
    await this.#within(path, async (directory, name) => this.#require(directory, name, path, request));
  }

  /**
   * Moves a file to a path; resolves with whether there was none. A power cut leaves the old or the new one.
   *
   * @throws as `check` does; WEB_DISK_FULL
   */
  put(path: string, from: string, request: WebRequest): Promise<boolean> {
    return this.#inTurn(() =>
      this.#within(path, async (directory, name) => {
        await this.#require(directory, name, path, request);
        const isNew = !(await directory.has(name));
        await moveDurably(from, directory.at(name), MODE);
        this.#changed();
        return isNew;
      }),
    );
  }

  /** @throws WEB_NOT_FOUND, and as `check` does */
  remove(path: string, request: WebRequest): Promise<void> {
    return this.#inTurn(() =>
      this.#within(path, async (directory, name) => {
        if (!(await this.#require(directory, name, path, request)))
          throw webError('WEB_NOT_FOUND', NOT_FOUND.message);
        await unlink(directory.at(name));
        this.#changed();
        syncDirectory(directory.at('.'));
      }),
    );
  }

  /** Resolves with whether there is a file that can be fetched. */
  async #require(
    directory: DocumentDirectory,
    name: string,
    path: string,
    { method, raw }: WebRequest,
  ): Promise<boolean> {
    if (await directory.hasDirectory(name)) throw isDirectory();
    const found = await this.#files.find({ path });
    const current = found && 'etag' in found ? found : undefined;
    if (weighConditions(method, raw.headers, current) !== 'go on') {
      throw webError('WEB_CONDITION', 'The condition of the request does not hold');
    }
    return current !== undefined;
  }

  async #within<T>(
    path: string,
    work: (directory: DocumentDirectory, name: string) => Promise<T>,
  ): Promise<T> {
    const slash = path.lastIndexOf('/') + 1;
    const name = path.slice(slash);
    if (name === '') throw isDirectory();
    const directory = await DocumentDirectory.open(this.#files.root, path.slice(0, slash));
    if (!directory) throw webError('WEB_CONFLICT', 'There is no such directory to put it in');
    try {
      return await work(directory, name);
    } finally {
      await directory.close();
    }
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

function isDirectory(): Error {
  return webError('WEB_CONFLICT', 'There is a directory');
}
