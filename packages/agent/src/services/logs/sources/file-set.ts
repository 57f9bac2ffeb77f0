import { lstat, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isCodedError, type Logger, messageOf, systemCode } from '@ioto/runtime';
import type { Entry } from '../entry.ts';
import { Choice, MOST_FILES } from './choice.ts';
import { findPaths, isPattern } from './glob.ts';
import { keyOf, OpenFile } from './open-file.ts';
import type { Gap } from './source.ts';
import { Tail, type TailState } from './tail.ts';

/** Complaints that are remembered, so that each is logged once. */
const MOST_COMPLAINTS = 256;
/** Milliseconds from one search for new files of a pattern to the next. */
const SEARCH = 10_000;
/** Milliseconds for which a writer may go on with a file that was renamed. */
const LEAVE = 60_000;
/** Names of a directory that are looked through for a file that was renamed while the agent was off. */
const MOST_SIBLINGS = 2000;

export interface FileSetOptions {
  entry: Entry;
  /** Absolute; may be a pattern. */
  path: string;
  logger: Logger;
  now(): number;
  serverNow(): number;
  lost(source: string, gap: Gap): void;
  added(tail: Tail): void;
  removed(tail: Tail): void;
}

interface SetState {
  files: TailState[];
  /** Files that are not kept open. */
  resting?: TailState[];
}

/**
 * The files of one entry. Each is known by its inode and its beginning, so that it is followed under whatever name a
 * rotation gives it, and found again after a restart.
 */
export class FileSet {
  readonly #options: FileSetOptions;
  readonly #tails = new Map<string, Tail>();
  /** Who has a name. */
  readonly #names = new Map<string, Tail>();
  readonly #complaints = new Set<string>();
  /** Files of an earlier run that were not found yet. */
  #earlier: TailState[] | undefined;
  /** Whether files that are there already are of before the first run. */
  #isFirstLook: boolean;
  #paths: readonly string[] = [];
  readonly #choice: Choice;
  #searched = Number.NEGATIVE_INFINITY;

  constructor(options: FileSetOptions, state: unknown) {
    this.#options = options;
    this.#earlier = isState(state) ? state.files : undefined;
    this.#choice = new Choice(isState(state) ? state.resting : undefined);
    this.#isFirstLook = this.#earlier === undefined;
  }

  /** It has never looked, in this run or before. */
  get isNew(): boolean {
    return this.#isFirstLook;
  }

  /** Looks for new, renamed, emptied and grown files. Never rejects. */
  async look(window: Buffer): Promise<void> {
    const now = this.#options.now();
    if (this.#earlier) await this.#findEarlier(this.#earlier);
    this.#earlier = undefined;
    const { path } = this.#options;
    if (!isPattern(path)) this.#paths = [path];
    else if (now - this.#searched >= SEARCH) {
      const isOld = this.#isFirstLook && !this.#options.entry.fromStart;
      this.#paths = await this.#choice.among(await findPaths(path), isOld);
      this.#searched = now;
    }
    const seen = new Set<Tail>();
    for (const each of this.#paths) {
      const tail = await this.#follow(each);
      if (tail) seen.add(tail);
    }
    this.#isFirstLook = false;
    for (const tail of this.#tails.values()) {
      tail.isRotated = !seen.has(tail) && !this.#choice.isLeft(tail.key);
      await this.#attend(tail, window);
    }
  }

  state(): SetState | undefined {
    // Before the first look nothing is known but what was.
    if (this.#isFirstLook) return undefined;
    const files = this.#earlier ?? [...this.#tails.values()].map((tail) => tail.state());
    const { resting } = this.#choice;
    return resting.length > 0 ? { files, resting } : { files };
  }

  async close(): Promise<void> {
    for (const tail of this.#tails.values()) await tail.file.close();
    this.#tails.clear();
  }

  async #attend(tail: Tail, window: Buffer): Promise<void> {
    try {
      await tail.look(window);
    } catch (error) {
      this.#complain(tail.path, error);
    }
    if (!tail.isDrained || tail.quietFor < LEAVE) return;
    const isLeft = this.#choice.isLeft(tail.key);
    if (isLeft) this.#choice.rest(tail.state());
    if (isLeft || tail.isRotated) await this.#drop(tail);
  }

  /** The tail of whatever has this name now. */
  async #follow(path: string): Promise<Tail | undefined> {
    try {
      const stats = await this.#stats(path);
      const key = keyOf(stats);
      const known = this.#tails.get(key);
      if (known) {
        this.#name(known, path);
        return known;
      }
      if (stats.isSymbolicLink()) throw new Error('is a link, which a pattern does not follow');
      if (!stats.isFile()) throw new Error('is no file that could be read line by line');
      return await this.#add(path);
    } catch (error) {
      // A log that does not exist yet is none to worry about.
      if (systemCode(error) !== 'ENOENT') this.#complain(path, error);
      return undefined;
    }
  }

  /** Who may write a name that fits a pattern is not to choose the file: only a path that stands in the configuration may be a link. */
  get #followsLinks(): boolean {
    return !isPattern(this.#options.path);
  }

  #stats(path: string) {
    return this.#followsLinks ? stat(path, { bigint: true }) : lstat(path, { bigint: true });
  }

  async #add(path: string): Promise<Tail | undefined> {
    if (this.#tails.size >= MOST_FILES) {
      throw new Error(`has to wait: an entry follows ${MOST_FILES} files at once`);
    }
    const file = await OpenFile.open(path, this.#followsLinks);
    if (!file) return undefined;
    const known = this.#tails.get(file.key);
    if (known) {
      // It was renamed in the meantime.
      await file.close();
      return known;
    }
    const resting = this.#choice.wake(file.key);
    if (resting && (await isStill(file, resting))) {
      return this.#take(file, { ...resting, path, key: file.key, ...(await file.head()) });
    }
    const fromEnd = this.#isFirstLook && !this.#options.entry.fromStart;
    const identity = { key: file.key, ...(await file.head()) };
    return this.#take(file, { path, origin: path, at: fromEnd ? await file.size() : 0, ...identity });
  }

  #take(file: OpenFile, { path, origin, at, ...identity }: TailState): Tail {
    const { entry, now, serverNow, lost } = this.#options;
    const tail = new Tail({ entry, file, path, origin, identity, at, now, serverNow, lost });
    this.#tails.set(tail.key, tail);
    this.#name(tail, path);
    this.#complaints.delete(path);
    this.#options.added(tail);
    return tail;
  }

  /** A file that takes over a name waits for the one that had it. */
  #name(tail: Tail, path: string): void {
    const before = this.#names.get(path);
    if (before === tail) return;
    if (before && !waitsFor(before, tail)) tail.before = before;
    this.#names.set(path, tail);
    tail.path = path;
  }

  async #drop(tail: Tail): Promise<void> {
    this.#tails.delete(tail.key);
    for (const [path, named] of this.#names) if (named === tail) this.#names.delete(path);
    for (const other of this.#tails.values()) if (other.before === tail) other.before = undefined;
    this.#options.removed(tail);
    await tail.file.close();
  }

  /** Files of the run before, under the names that they had or those that they got since. */
  async #findEarlier(states: readonly TailState[]): Promise<void> {
    for (const state of states) {
      try {
        const found = await openAgain(state, this.#followsLinks);
        if (found) {
          const tail = this.#take(found.file, { ...state, ...found.identity, path: found.path });
          // Who has its name now waits for it.
          this.#names.set(state.path, tail);
        } else this.#options.logger.warn({ path: state.path }, 'a log was removed while the agent was off');
      } catch (error) {
        this.#complain(state.path, error);
      }
    }
  }

  #complain(path: string, error: unknown): void {
    if (this.#complaints.has(path)) return;
    for (const first of this.#complaints) {
      if (this.#complaints.size < MOST_COMPLAINTS) break;
      this.#complaints.delete(first);
    }
    this.#complaints.add(path);
    const code = isCodedError(error) ? error.code : systemCode(error);
    this.#options.logger.warn({ path, code, problem: messageOf(error) }, 'a log cannot be read');
  }
}

function waitsFor(tail: Tail, other: Tail): boolean {
  for (let each: Tail | undefined = tail; each; each = each.before) if (each === other) return true;
  return false;
}

async function openAgain(state: TailState, followsLinks: boolean) {
  for (const path of await candidates(state, followsLinks)) {
    const file = await OpenFile.open(path, followsLinks && path === state.path).catch(() => undefined);
    if (!file) continue;
    if (await isStill(file, state)) {
      const { key } = file;
      return { file, path, identity: { key, ...(await file.head()) } };
    }
    await file.close();
  }
  return undefined;
}

/** Whether a file begins as it did; an emptied one is the same file with another content. */
async function isStill(file: OpenFile, state: TailState): Promise<boolean> {
  const { head, headLength } = await file.head(state.headLength);
  const isSame = file.key === state.key && headLength === state.headLength && head === state.head;
  return isSame && (await file.size()) >= state.at;
}

/** Paths in the directory of a log at which its inode is found. */
async function candidates({ path, key }: TailState, followsLinks: boolean): Promise<string[]> {
  const directory = dirname(path);
  const names = await readdir(directory).catch(() => []);
  const found: string[] = [];
  for (const each of [path, ...names.slice(0, MOST_SIBLINGS).map((name) => join(directory, name))]) {
    const look = followsLinks && each === path ? stat : lstat;
    const stats = await look(each, { bigint: true }).catch(() => undefined);
    if (stats?.isFile() && keyOf(stats) === key) found.push(each);
    if (found.length > 0) break;
  }
  return found;
}

function isState(state: unknown): state is SetState {
  return Array.isArray((state as SetState | undefined)?.files);
}
