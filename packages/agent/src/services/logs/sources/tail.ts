import { type Batch, LONGEST_EVENT } from '../batch.ts';
import type { Entry } from '../entry.ts';
import { scanEvents, WINDOW } from '../scan.ts';
import type { Identity, OpenFile } from './open-file.ts';
import type { EventSource, Gap } from './source.ts';

/** Bytes that are looked through together for the end of a line that is too long. */
const STRIDE = 64 * 1024;
const FEED = 0x0a;

export interface TailState extends Identity {
  path: string;
  /** The path under which it was first seen. */
  origin: string;
  at: number;
}

export interface TailOptions {
  entry: Entry;
  file: OpenFile;
  path: string;
  /** The path under which it was first seen: its stream keeps that name through rotations. */
  origin: string;
  identity: Identity;
  /** Where to begin. */
  at: number;
  now(): number;
  /** Milliseconds since 1970 by the cloud's clock. */
  serverNow(): number;
  lost(source: string, gap: Gap): void;
}

/** One file, from where it was sent to its end, which moves on. The file itself holds what has not been sent. */
export class Tail implements EventSource {
  readonly file: OpenFile;
  readonly #options: TailOptions;
  path: string;
  /** It has lost its name, to another file or for good. */
  isRotated = false;
  /** Comes first: the file that had the name before. */
  before: Tail | undefined;
  #identity: Identity;
  #committed: number;
  #taken: number;
  #size: number;
  /** When what waits began to wait, and when the file grew last. */
  #since = 0;
  #grown = 0;
  /** How long it was when nothing in it was complete. */
  #stalledAt = -1;
  /** Lines that wait, counted only when few of them are due at once. */
  #lines = 0;
  /** How far the long line that begins at `from` was looked through for its end. */
  #search: { from: number; to: number } | undefined;
  /** Another content, another epoch: a batch of the one before is no news of this one. */
  #epoch = 0;
  readonly #marks = new WeakMap<Batch, { epoch: number; at: number }>();

  constructor(options: TailOptions) {
    this.#options = options;
    this.file = options.file;
    this.path = options.path;
    this.#identity = options.identity;
    this.#committed = options.at;
    this.#taken = options.at;
    this.#size = options.at;
  }

  get name(): string {
    return this.path;
  }

  get key(): string {
    return this.#identity.key;
  }

  /** Everything that was seen of it has been sent. */
  get isDrained(): boolean {
    return this.#committed >= this.#size;
  }

  /** Milliseconds for which it has not grown. */
  get quietFor(): number {
    return this.#options.now() - this.#grown;
  }

  /** Looks how long it is now, and whether it is still what it was. `window` is for reading into. */
  async look(window: Buffer): Promise<void> {
    const size = await this.file.size();
    if (size === this.#size) return;
    if (size < this.#size || !(await this.#isSame())) await this.#beginAnew(size);
    if (this.#identity.headLength < 256) {
      this.#identity = { key: this.key, ...(await this.file.head()) };
    }
    if (size === this.#size) return;
    const now = this.#options.now();
    if (this.#taken >= this.#size) this.#since = now;
    await this.#count(this.#size, size, window);
    this.#size = size;
    this.#grown = now;
  }

  due(now: number): number | undefined {
    if (this.#taken >= this.#size || (this.before && !this.before.isDrained)) return undefined;
    const { limits, linger } = this.#options.entry;
    if (this.#stalledAt === this.#size) return this.#since + linger;
    if (this.#size - this.#taken >= limits.maxSize || this.#lines >= limits.maxEvents) return now;
    return this.#since + linger;
  }

  async fill(batch: Batch, window: Buffer): Promise<void> {
    const { entry, serverNow, now, origin } = this.#options;
    const time = serverNow();
    const { until, ...target } = entry.target(time, origin);
    batch.begin(target, entry.limits, until);
    const final = this.quietFor >= entry.linger;
    let at = this.#taken;
    let isFull = false;
    while (!isFull) {
      const length = await this.file.read(window, at, WINDOW);
      const take = (start: number, end: number) => batch.add(time, window, start, end);
      const isEnd = at + length >= this.#size;
      const scanned = scanEvents(window, length, entry.rule, final && isEnd, take);
      isFull = scanned.isFull;
      at += scanned.at;
      if (isFull || (scanned.at > 0 && !isEnd)) continue;
      if (scanned.at === 0 && length === WINDOW) {
        const end = await this.#takeLongLine(batch, window, at, time, final);
        if (end === undefined) break;
        at = end;
      } else break;
    }
    this.#taken = at;
    this.#since = now();
    this.#lines = isFull ? Math.max(0, this.#lines - batch.count) : 0;
    this.#stalledAt = batch.count === 0 ? this.#size : -1;
    this.#marks.set(batch, { epoch: this.#epoch, at });
  }

  commit(batch: Batch): void {
    const mark = this.#marks.get(batch);
    if (mark?.epoch === this.#epoch) this.#committed = mark.at;
  }

  rewind(): void {
    this.#taken = this.#committed;
    this.#since = this.#options.now();
  }

  async forget(): Promise<void> {
    this.#epoch += 1;
    this.#size = await this.file.size();
    this.#taken = this.#size;
    this.#committed = this.#size;
  }

  state(): TailState {
    return { path: this.path, origin: this.#options.origin, at: this.#committed, ...this.#identity };
  }

  /** A file that was copied and emptied may have grown past where it was. */
  async #isSame(): Promise<boolean> {
    const { head, headLength } = this.#identity;
    const present = await this.file.head(headLength);
    return present.headLength === headLength && present.head === head;
  }

  async #beginAnew(size: number): Promise<void> {
    const unsent = this.#size - this.#taken;
    if (unsent > 0) this.#options.lost(this.name, { bytes: unsent });
    this.#epoch += 1;
    this.#committed = 0;
    this.#taken = 0;
    this.#size = 0;
    this.#search = undefined;
    this.#since = this.#options.now();
    this.#grown = this.#since;
    this.#identity = { key: this.key, ...(await this.file.head(size)) };
  }

  async #count(from: number, to: number, window: Buffer): Promise<void> {
    const { maxEvents, maxSize } = this.#options.entry.limits;
    if (maxEvents >= 10_000 || this.#lines >= maxEvents || to - this.#taken >= maxSize) return;
    for (let at = from; at < to; ) {
      const length = await this.file.read(window, at, Math.min(WINDOW, to - at));
      if (length === 0) return;
      for (
        let feed = window.indexOf(FEED);
        feed !== -1 && feed < length;
        feed = window.indexOf(FEED, feed + 1)
      )
        this.#lines += 1;
      at += length;
    }
  }

  /**
   * A line that is longer than the window, at whose start it begins: its end is looked for without keeping what lies
   * between. Returns where the next line begins, undefined when the end is not there yet.
   */
  async #takeLongLine(
    batch: Batch,
    window: Buffer,
    from: number,
    time: number,
    final: boolean,
  ): Promise<number | undefined> {
    const stride = Buffer.allocUnsafe(STRIDE);
    let at = this.#search?.from === from ? this.#search.to : from + WINDOW;
    let end: number | undefined;
    while (end === undefined) {
      const length = await this.file.read(stride, at);
      const feed = stride.subarray(0, length).indexOf(FEED);
      if (feed !== -1) end = at + feed;
      else if (length === 0) break;
      at += length;
    }
    this.#search = { from, to: at };
    if (end === undefined && !final) return undefined;
    const stop = end ?? at;
    if (!batch.add(time, window, 0, LONGEST_EVENT, stop - from - LONGEST_EVENT)) {
      // No room: it is begun with the next time, when its end is known.
      this.#search = { from, to: end ?? at };
      return undefined;
    }
    this.#search = undefined;
    return end === undefined ? at : end + 1;
  }
}
