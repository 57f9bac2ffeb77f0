import { statfs } from 'node:fs/promises';
import type { Clock, Logger } from '@ioto/runtime';
import { logStoreError } from '../../../ports/log-store.ts';

/** Bytes of the disk of a directory: all of it, and what is free. */
export type DiskSize = (directory: string) => Promise<{ size: number; free: number }>;

/** What logs leave to the rest of the cloud: so many bytes, or this share of a small disk. */
const LEFT = 256 * 1024 * 1024;
const LEFT_SHARE = 0.05;
/** Milliseconds between two looks. */
const LOOK_EVERY = 2000;
/** Milliseconds until it is said again that there is too little. */
const QUIET = 60_000;

export const diskSize: DiskSize = async (directory) => {
  const { blocks, bavail, bsize } = await statfs(directory);
  return { size: blocks * bsize, free: bavail * bsize };
};

/** Keeps logs from taking the last of the disk, which devices and their data need. */
export class DiskRoom {
  readonly #directory: string;
  readonly #look: DiskSize;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #looked = Number.NEGATIVE_INFINITY;
  #isShort = false;
  /** When it was last said. */
  #said = Number.NEGATIVE_INFINITY;

  constructor(options: { directory: string; look: DiskSize; clock: Clock; logger: Logger }) {
    this.#directory = options.directory;
    this.#look = options.look;
    this.#clock = options.clock;
    this.#logger = options.logger;
  }

  /** @throws LOG_STORE_UNWRITABLE when there is too little left. */
  async require(): Promise<void> {
    const now = this.#clock.now();
    if (now - this.#looked >= LOOK_EVERY || now < this.#looked) {
      this.#looked = now;
      const { size, free } = await this.#look(this.#directory);
      const needed = Math.min(LEFT, size * LEFT_SHARE);
      this.#isShort = free < needed;
      if (this.#isShort) this.#say(now, { free, needed });
    }
    if (this.#isShort) {
      throw logStoreError(
        'LOG_STORE_UNWRITABLE',
        'the disk of the cloud is nearly full: log events are not taken',
      );
    }
  }

  #say(now: number, bytes: { free: number; needed: number }): void {
    if (now - this.#said < QUIET && now >= this.#said) return;
    this.#said = now;
    const directory = this.#directory;
    this.#logger.warn(
      { directory, ...bytes },
      `the disk of ${directory} has ${bytes.free} bytes free, and log events are taken from ${Math.ceil(bytes.needed)} on: free space on it, or give log groups a shorter retention`,
    );
  }
}
