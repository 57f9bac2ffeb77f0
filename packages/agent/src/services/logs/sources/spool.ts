import { type Logger, messageOf, systemCode } from '@ioto/runtime';
import type { Batch, BatchLimits } from '../batch.ts';
import type { Destination } from '../entry.ts';
import { frameOf, readFrame } from './frame.ts';
import type { EventSource, Gap } from './source.ts';
import { SpoolFiles } from './spool-files.ts';

/** Bytes that wait in memory to be written; whoever adds to them is then asked to wait. */
const MOST_UNWRITTEN = 512 * 1024;
/** A file that was sent whole is done with, rather than written on, when it is as long as this. */
const LONG_ENOUGH = 64 * 1024;
/** No event is of before 2020: the clock was not set then. Nor of so far in the future, in milliseconds. */
const FIRST_TIME = Date.UTC(2020, 0, 1);
const AHEAD = 7_200_000;

interface Place {
  segment: number;
  at: number;
}

interface LineGap {
  lines: number;
  from: number;
  to: number;
}

export interface SpoolOptions {
  /** What it is called in events. */
  name: string;
  /** What stands for {filename}. */
  filename: string;
  directory: string;
  /** Bytes on disk. */
  maxBytes: number;
  destination: Destination;
  logger: Logger;
  now(): number;
  serverNow(): number;
  lost(source: string, gap: Gap): void;
}

/**
 * Events of a source that cannot be asked for them again, on disk until the cloud has them. When there are too many the
 * oldest go, and a line in their place says how many. Nothing is synced, to spare the flash: a kill of the program loses
 * nothing that was added a moment before, a power cut may cost what came in the half minute before it.
 */
export class Spool implements EventSource {
  readonly #options: SpoolOptions;
  readonly #files: SpoolFiles;
  #unwritten: Buffer[] = [];
  #unwrittenBytes = 0;
  #writing: Promise<void> | undefined;
  #drained: (() => void) | undefined;
  #committed: Place = { segment: 0, at: 0 };
  #taken: Place = { segment: 0, at: 0 };
  #since = 0;
  #waitingLines = 0;
  /** Lines that were lost, and have not been told yet; those that are told by what is under way. */
  #gap: LineGap | undefined;
  #gapsUnderWay: LineGap[] = [];
  #isFailing = false;
  #lock: Promise<void> = Promise.resolve();
  #epoch = 0;
  readonly #marks = new WeakMap<Batch, { epoch: number; place: Place; gap: LineGap | undefined }>();

  constructor(options: SpoolOptions) {
    this.#options = options;
    this.#files = new SpoolFiles(options.directory);
  }

  get name(): string {
    return this.#options.name;
  }

  async open(state: unknown): Promise<void> {
    const { at, gap } = (state ?? {}) as { at?: Place; gap?: LineGap };
    await this.#files.open(at?.segment ?? 0);
    const first = this.#files.segments[0]?.number ?? 0;
    this.#committed = at && at.segment >= first ? at : { segment: first, at: 0 };
    this.#taken = this.#committed;
    this.#gap = gap;
    this.#since = this.#options.now();
  }

  /** Keeps an event. False asks to wait for `onceDrained`: there is more than can be written. */
  add(time: number, event: Uint8Array): boolean {
    if (this.#waitingBytes === 0) this.#since = this.#options.now();
    const frame = frameOf(time, event);
    this.#unwritten.push(frame);
    this.#unwrittenBytes += frame.length;
    this.#waitingLines += 1;
    this.#writing ??= this.#write();
    return !this.isFull;
  }

  get isFull(): boolean {
    return this.#unwrittenBytes >= MOST_UNWRITTEN;
  }

  /** Calls back once, when there is room again. */
  onceDrained(callback: () => void): void {
    this.#drained = callback;
  }

  /** An event that nobody keeps. */
  drop(time: number): void {
    this.#lose({ lines: 1, from: time, to: time });
  }

  due(now: number): number | undefined {
    const waiting = this.#waitingBytes - this.#unwrittenBytes;
    if (waiting <= 0 && !this.#gap) return undefined;
    const { linger } = this.#options.destination;
    const limits = this.#limits;
    if (waiting >= limits.maxSize || this.#waitingLines >= limits.maxEvents) return now;
    return this.#since + linger;
  }

  async fill(batch: Batch, window: Buffer): Promise<void> {
    const { destination, filename, serverNow, now } = this.#options;
    const gap = this.#gap;
    const begin = (time: number) => {
      const { until, ...target } = destination.target(time, filename);
      batch.begin(target, this.#limits, until);
    };
    batch.begin({ group: '', stream: '' }, this.#limits, Number.POSITIVE_INFINITY);
    let isBegun = false;
    const add = (time: number, bytes: Buffer, start: number, end: number) => {
      const dated = sensible(time, serverNow());
      if (!isBegun) begin(dated);
      isBegun = true;
      return batch.add(dated, bytes, start, end);
    };
    if (gap) {
      const line = Buffer.from(gapLine(gap));
      add(gap.to, line, 0, line.length);
      this.#gapsUnderWay.push(gap);
      this.#gap = undefined;
    }
    const place = await this.#alone(() => this.#read(this.#taken, window, add));
    this.#taken = place;
    this.#since = now();
    this.#waitingLines = 0;
    this.#marks.set(batch, { epoch: this.#epoch, place, gap });
  }

  commit(batch: Batch): void {
    const mark = this.#marks.get(batch);
    if (!mark || mark.epoch !== this.#epoch) return;
    this.#gapsUnderWay = this.#gapsUnderWay.filter((gap) => gap !== mark.gap);
    if (isBefore(this.#committed, mark.place)) this.#committed = mark.place;
    this.#writing ??= this.#write();
  }

  rewind(): void {
    this.#taken = this.#committed;
    this.#gap = this.#allGaps();
    this.#gapsUnderWay = [];
    this.#since = this.#options.now();
  }

  async forget(): Promise<void> {
    this.#epoch += 1;
    this.#unwritten = [];
    this.#unwrittenBytes = 0;
    this.#gap = undefined;
    this.#gapsUnderWay = [];
    while (this.#writing) await this.#writing;
    const next = (this.#files.segments.at(-1)?.number ?? 0) + 1;
    this.#committed = { segment: next, at: 0 };
    this.#taken = this.#committed;
    await this.#alone(() => this.#files.remove(() => true));
  }

  state(): unknown {
    return { at: this.#committed, gap: this.#allGaps() };
  }

  async close(): Promise<void> {
    while (this.#writing) await this.#writing;
    await this.#files.close();
  }

  /** What is under way is not removed, and so must not be all that there may be. */
  get #limits(): BatchLimits {
    const { maxEvents, maxSize } = this.#options.destination.limits;
    return { maxEvents, maxSize: Math.min(maxSize, this.#options.maxBytes / 4) };
  }

  get #waitingBytes(): number {
    let bytes = this.#unwrittenBytes;
    for (const { number, size } of this.#files.segments) {
      if (number > this.#taken.segment) bytes += size;
      else if (number === this.#taken.segment) bytes += Math.max(0, size - this.#taken.at);
    }
    return bytes;
  }

  /** Offers the events from a place on; returns the place of the first that was not taken. */
  async #read(
    from: Place,
    window: Buffer,
    offer: (time: number, bytes: Buffer, start: number, end: number) => boolean,
  ): Promise<Place> {
    let place = from;
    for (const { number, size } of [...this.#files.segments]) {
      if (number < place.segment) continue;
      if (number > place.segment) place = { segment: number, at: 0 };
      while (place.at < size) {
        const length = await this.#files.read(number, window, place.at);
        let at = 0;
        for (;;) {
          const frame = readFrame(window, at, Math.min(length, size - place.at));
          // What a power cut has left of a file ends it.
          if (frame === 'broken') return { segment: number, at: size };
          if (frame === undefined) break;
          if (!offer(frame.time, window, frame.start, frame.end))
            return { segment: number, at: place.at + at };
          at = frame.end;
        }
        place = { segment: number, at: at === 0 ? size : place.at + at };
      }
    }
    return place;
  }

  /** Writes what waits, and tidies up; one at a time. */
  async #write(): Promise<void> {
    await Promise.resolve();
    try {
      while (this.#unwrittenBytes > 0) {
        const frames = this.#unwritten;
        const bytes = this.#unwrittenBytes;
        this.#unwritten = [];
        await this.#append(frames);
        this.#unwrittenBytes = Math.max(0, this.#unwrittenBytes - bytes);
        this.#drained?.();
        this.#drained = undefined;
        await this.#alone(() => this.#bound());
      }
      await this.#alone(() => this.#tidy());
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#writing = undefined;
    }
    if (this.#unwrittenBytes > 0) this.#writing ??= this.#write();
  }

  async #append(frames: Buffer[]): Promise<void> {
    const most = this.#options.maxBytes / 8;
    for (let from = 0; from < frames.length; ) {
      const { current } = this.#files;
      if (current && current.size >= most) await this.#files.finishCurrent();
      let to = from;
      for (let size = 0; to < frames.length && size < most; to += 1) size += frames[to]?.length ?? 0;
      await this.#appendTogether(frames.slice(from, to));
      from = to;
    }
  }

  async #appendTogether(frames: Buffer[]): Promise<void> {
    try {
      await this.#files.append(Buffer.concat(frames));
      this.#isFailing = false;
    } catch (error) {
      this.#fail(error);
      const times = frames.map((frame) => frame.readDoubleLE(4));
      this.#lose({ lines: frames.length, from: times[0] ?? 0, to: times.at(-1) ?? 0 });
    }
  }

  /** Removes the oldest files when all are too long, but for those of which something is under way. */
  async #bound(): Promise<void> {
    while (this.#files.size > this.#options.maxBytes) {
      const isUnderWay = isBefore(this.#committed, this.#taken);
      const { segments } = this.#files;
      const at = segments.findIndex(({ number }) => !isUnderWay || number > this.#taken.segment);
      const [oldest, next] = at === -1 ? [] : segments.slice(at);
      if (!oldest || !next) return;
      const { segment, at: sent } = this.#committed;
      await this.#countLost(
        { segment: oldest.number, at: segment === oldest.number ? sent : 0 },
        oldest.size,
      );
      if (!isUnderWay) {
        this.#committed = { segment: next.number, at: 0 };
        this.#taken = this.#committed;
      }
      await this.#files.remove(({ number }) => number === oldest.number);
    }
  }

  async #countLost(from: Place, size: number): Promise<void> {
    const bytes = Buffer.allocUnsafe(size - from.at);
    const length = bytes.length === 0 ? 0 : await this.#files.read(from.segment, bytes, from.at);
    const gap = { lines: 0, from: 0, to: 0 };
    for (let at = 0; ; ) {
      const frame = readFrame(bytes, at, length);
      if (frame === undefined || frame === 'broken') break;
      if (gap.lines === 0) gap.from = frame.time;
      gap.lines += 1;
      gap.to = frame.time;
      at = frame.end;
    }
    if (gap.lines > 0) this.#lose(gap);
  }

  async #tidy(): Promise<void> {
    const { segment, at } = this.#committed;
    const { current } = this.#files;
    if (current?.number === segment && at === current.size && at >= LONG_ENOUGH) {
      await this.#files.finishCurrent();
    }
    const held = this.#files.segments.find(({ number }) => number === segment);
    const isDone = held !== undefined && held !== this.#files.current && at >= held.size;
    await this.#files.remove(({ number }) => number < segment || (isDone && number === segment));
  }

  #allGaps(): LineGap | undefined {
    let all: LineGap | undefined;
    for (const gap of [...this.#gapsUnderWay, ...(this.#gap ? [this.#gap] : [])]) all = joined(all, gap);
    return all;
  }

  /** One at a time: what is read must not be removed. */
  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#lock.then(work);
    this.#lock = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  #lose(gap: LineGap): void {
    this.#gap = joined(this.#gap, gap);
    this.#options.lost(this.name, gap);
  }

  #fail(error: unknown): void {
    if (this.#isFailing) return;
    this.#isFailing = true;
    const facts = { source: this.name, code: systemCode(error), problem: messageOf(error) };
    this.#options.logger.error(facts, 'lines for the cloud cannot be kept on disk');
  }
}

function isBefore(a: Place, b: Place): boolean {
  return a.segment < b.segment || (a.segment === b.segment && a.at < b.at);
}

function joined(a: LineGap | undefined, b: LineGap): LineGap {
  if (!a) return b;
  return { lines: a.lines + b.lines, from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) };
}

function sensible(time: number, now: number): number {
  return time < FIRST_TIME || time > now + AHEAD ? now : time;
}

function gapLine({ lines, from, to }: LineGap): string {
  const iso = (time: number) => new Date(time).toISOString();
  return JSON.stringify({ gap: { lines, from: iso(from), to: iso(to) } });
}
