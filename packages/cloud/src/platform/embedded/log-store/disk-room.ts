import { statfs } from 'node:fs/promises';
import type { Clock } from '@ioto/runtime';
import { logStoreError } from '../../../ports/log-store.ts';

/** Bytes of the disk of a directory: all of it, and what is free. */
export type DiskSize = (directory: string) => Promise<{ size: number; free: number }>;

/** What logs leave to the rest of the cloud: so many bytes, or this share of a small disk. */
const LEFT = 256 * 1024 * 1024;
const LEFT_SHARE = 0.05;
/** Milliseconds between two looks. */
const LOOK_EVERY = 2000;

export const diskSize: DiskSize = async (directory) => {
  const { blocks, bavail, bsize } = await statfs(directory);
  return { size: blocks * bsize, free: bavail * bsize };
};

/** Keeps logs from taking the last of the disk, which devices and their data need. */
export class DiskRoom {
  readonly #directory: string;
  readonly #look: DiskSize;
  readonly #clock: Clock;
  #looked = Number.NEGATIVE_INFINITY;
  #isShort = false;

  constructor(options: { directory: string; look: DiskSize; clock: Clock }) {
    this.#directory = options.directory;
    this.#look = options.look;
    this.#clock = options.clock;
  }

  /** @throws LOG_STORE_UNWRITABLE when there is too little left. */
  async require(): Promise<void> {
    const now = this.#clock.now();
    if (now - this.#looked >= LOOK_EVERY || now < this.#looked) {
      this.#looked = now;
      const { size, free } = await this.#look(this.#directory);
      this.#isShort = free < Math.min(LEFT, size * LEFT_SHARE);
    }
    if (this.#isShort) {
      throw logStoreError(
        'LOG_STORE_UNWRITABLE',
        'the disk of the cloud is nearly full: log events are not taken',
      );
    }
  }
}
