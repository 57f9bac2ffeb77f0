import {
  constants,
  fdatasyncSync,
  close as fsClose,
  fdatasync as fsDataSync,
  open as fsOpen,
  ftruncate as fsTruncate,
  write as fsWrite,
  writeSync,
} from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { syncDirectory } from '@ioto/runtime';
import type { FileLayer, OpenFile } from './file-layer.ts';

const openDescriptor = promisify<string, number, number, number>(fsOpen);
const closeFile = promisify(fsClose);
const dataSync = promisify(fsDataSync);
const truncateFile = promisify(fsTruncate);

/**
 * Milliseconds. A disk that usually commits faster is waited for: passing a commit to another thread and back costs as
 * much. A slower one must not hold the program up.
 */
const FAST_COMMIT = 1;
/** How much of the usual time of a commit the latest one makes. */
const WEIGHT = 0.2;
/** Larger commits are handed over in any case. */
const SMALL_COMMIT = 256 * 1024;

/** A descriptor with callbacks: file handles of fs.promises cost a third of the commits per second. */
class NodeFile implements OpenFile {
  readonly #descriptor: number;
  /** Milliseconds that a commit takes; a disk is taken for slow until it has shown otherwise. */
  #usualCommit = FAST_COMMIT;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  write(bytes: Uint8Array, position: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const writeFrom = (offset: number) => {
        fsWrite(
          this.#descriptor,
          bytes,
          offset,
          bytes.length - offset,
          position + offset,
          (error, written) => {
            if (error) reject(error);
            else if (written === 0) reject(new Error('the system wrote nothing'));
            else if (offset + written >= bytes.length) resolve();
            else writeFrom(offset + written);
          },
        );
      };
      writeFrom(0);
    });
  }

  async commit(bytes: Uint8Array, position: number): Promise<void> {
    const started = milliseconds();
    if (this.#usualCommit < FAST_COMMIT && bytes.length <= SMALL_COMMIT) {
      this.#writeAtOnce(bytes, position);
      fdatasyncSync(this.#descriptor);
    } else {
      await this.write(bytes, position);
      await this.sync();
    }
    this.#usualCommit += WEIGHT * (milliseconds() - started - this.#usualCommit);
  }

  #writeAtOnce(bytes: Uint8Array, position: number): void {
    let offset = 0;
    while (offset < bytes.length) {
      const written = writeSync(this.#descriptor, bytes, offset, bytes.length - offset, position + offset);
      if (written === 0) throw new Error('the system wrote nothing');
      offset += written;
    }
  }

  sync(): Promise<void> {
    return dataSync(this.#descriptor);
  }

  truncate(length: number): Promise<void> {
    return truncateFile(this.#descriptor, length);
  }

  close(): Promise<void> {
    return closeFile(this.#descriptor);
  }
}

/** Of a clock that nobody sets. `performance` tells the same, but makes Node load a quarter of a megabyte. */
function milliseconds(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The system's own files. */
export const nodeFiles: FileLayer = {
  async ensureDirectory(directory) {
    const made = await mkdir(directory, { recursive: true, mode: 0o700 });
    if (made !== undefined) syncDirectory(dirname(made));
  },
  list: (directory) => readdir(directory),
  read: (path) => readFile(path),
  async readInto(path, buffer, position) {
    const file = await open(path, 'r');
    try {
      return (await file.read(buffer, 0, buffer.length, position)).bytesRead;
    } finally {
      await file.close();
    }
  },
  create: (path) => openFile(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC),
  open: (path) => openFile(path, constants.O_WRONLY),
  rename,
  remove: (path) => rm(path, { force: true }),
  removeDirectory: (path) => rm(path, { recursive: true, force: true }),
  async syncDirectory(directory) {
    syncDirectory(directory);
  },
};

async function openFile(path: string, flags: number): Promise<OpenFile> {
  return new NodeFile(await openDescriptor(path, flags, 0o600));
}
