import { createHash } from 'node:crypto';
import { lstat } from 'node:fs/promises';
import { keyOf } from './open-file.ts';
import type { TailState } from './tail.ts';

/** Files that one entry follows at once: each is kept open. */
export const MOST_FILES = 256;
/** Files beyond those of which it is known how far they were sent. */
const MOST_RESTING = 1024;

/** What the head of a file is of which nothing was read. */
const NO_HEAD = { head: createHash('sha1').digest('base64'), headLength: 0 };

interface Found {
  path: string;
  key: string;
  size: number;
  /** When it was written last. */
  time: bigint;
}

/**
 * Which of the files that fit a pattern are followed, where they are more than can be kept open: those that were written last. Of
 * the others it is known how far they were sent, until they are written again.
 */
export class Choice {
  /** By key; what rests longest first. */
  readonly #resting: Map<string, TailState>;
  /** Those that are there and not chosen. */
  #left: ReadonlySet<string> = new Set();

  constructor(resting: readonly TailState[] = []) {
    this.#resting = new Map(resting.map((state) => [state.key, state]));
  }

  get resting(): TailState[] {
    return [...this.#resting.values()];
  }

  /** @param isOld whether what is there was written before anybody looked: only what comes later is sent */
  async among(paths: readonly string[], isOld: boolean): Promise<readonly string[]> {
    if (paths.length <= MOST_FILES && this.#resting.size === 0) {
      this.#left = new Set();
      return paths;
    }
    const all: Found[] = [];
    for (const path of paths) {
      const stats = await lstat(path, { bigint: true }).catch(() => undefined);
      if (!stats?.isFile()) continue;
      all.push({ path, key: keyOf(stats), size: Number(stats.size), time: stats.mtimeNs });
    }
    all.sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : a.path < b.path ? -1 : 1));
    const left = all.slice(MOST_FILES);
    this.#left = new Set(left.map(({ key }) => key));
    const there = new Set(all.map(({ key }) => key));
    for (const key of this.#resting.keys()) if (!there.has(key)) this.#resting.delete(key);
    // The newest last, so that they are known longest.
    if (isOld)
      for (const { path, key, size } of left.reverse())
        this.rest({ path, origin: path, at: size, key, ...NO_HEAD });
    return all.slice(0, MOST_FILES).map(({ path }) => path);
  }

  /** There is a file of this key, and others go before it. */
  isLeft(key: string): boolean {
    return this.#left.has(key);
  }

  rest(state: TailState): void {
    this.#resting.delete(state.key);
    this.#resting.set(state.key, state);
    for (const key of this.#resting.keys()) {
      if (this.#resting.size <= MOST_RESTING) break;
      this.#resting.delete(key);
    }
  }

  /** How far a file was sent that is followed again. */
  wake(key: string): TailState | undefined {
    const state = this.#resting.get(key);
    this.#resting.delete(key);
    return state;
  }
}
