import type { FileLayer } from '@ioto/database';
import { type Clock, type Logger, messageOf } from '@ioto/runtime';
import { Turns } from '../../../devices/turns.ts';
import { type LogEvent, logStoreError } from '../../../ports/log-store.ts';
import { arrivalOf, type EventColumns, firstSequence, sortedTogether } from './event-columns.ts';
import { groupFiles } from './group-files.ts';
import { HeldBytes } from './held-bytes.ts';
import { packRun, type RunPlace } from './run.ts';
import { Segment } from './segment.ts';
import { encodeFrame, type Frame, readFrames } from './wal-frame.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

export interface GroupLogLimits {
  /** Bytes of memory in a write-ahead log after which its events are packed into a segment. */
  packAt: number;
  /** Bytes that may wait to be packed: puts are refused beyond it. */
  waiting: number;
  /** Bytes written at once. */
  commit: number;
  /** Bytes, and milliseconds, after which another segment begins: retention removes whole segments. */
  segment: number;
  segmentAge: number;
}

export const groupLogLimits: GroupLogLimits = {
  packAt: 4 * 1024 * 1024,
  waiting: 32 * 1024 * 1024,
  commit: 4 * 1024 * 1024,
  segment: 64 * 1024 * 1024,
  segmentAge: 86_400_000,
};

export interface GroupLogOptions {
  directory: string;
  files: FileLayer;
  clock: Clock;
  logger: Logger;
  limits?: Partial<GroupLogLimits>;
  /** Where it counts what it has in memory. */
  memory?: HeldBytes;
  /** Told when the bytes of the segments have changed. */
  onStored?: () => Promise<void>;
  /** Told before the log of packed events goes: what it also knew must be durable elsewhere then. */
  onPacked?: () => Promise<void>;
}

/** What a search looks through, as it is at one moment. */
export interface GroupView {
  /** Not packed yet, in memory. */
  readonly parts: readonly EventColumns[];
  readonly runs: readonly { segment: Segment; run: RunPlace }[];
}

interface Waiting {
  frame: Frame;
  done: () => void;
  failed: (error: unknown) => void;
}

/** The events of one group: a write-ahead log that makes puts durable, and segments that it is packed into. */
export class GroupLog {
  readonly #options: GroupLogOptions;
  readonly #limits: GroupLogLimits;
  readonly #memory: HeldBytes;
  /** The last one is written to; the others wait to be packed. */
  #wals: WriteAheadLog[] = [];
  #segments: Segment[] = [];
  #sequence = 0;
  readonly #turns = new Turns();
  #queue: Waiting[] = [];
  #committing: Promise<void> | undefined;
  #packing: { done: Promise<void> } | undefined;
  #isClosed = false;

  constructor(options: GroupLogOptions) {
    this.#options = options;
    this.#limits = { ...groupLogLimits, ...options.limits };
    this.#memory = options.memory ?? new HeldBytes();
  }

  /** Bytes of memory of what is not packed yet. */
  get size(): number {
    return this.#wals.reduce((sum, { size }) => sum + size, 0);
  }

  /** Bytes of the segments. */
  get storedBytes(): number {
    return this.#segments.reduce((sum, { length }) => sum + length, 0);
  }

  get view(): GroupView {
    return {
      parts: this.#wals.flatMap(({ parts }) => parts),
      runs: this.#segments.flatMap((segment) => segment.runs.map((run) => ({ segment, run }))),
    };
  }

  /** Reads what is there; what a power cut has torn was never acknowledged. */
  async open(): Promise<void> {
    const { directory, files, logger } = this.#options;
    await files.ensureDirectory(directory);
    const found = await groupFiles.find(files, directory);
    let packed = 0;
    for (const { path, number } of found.segments) {
      const segment = new Segment(files, path);
      const { isTorn, isDamaged } = await segment.load();
      if (isTorn) logger.warn({ file: path }, 'a log segment ends in what was not written whole');
      if (isDamaged) {
        logger.error({ file: path }, 'a log segment is damaged: some of its events cannot be found');
      }
      this.#segments.push(segment);
      this.#sequence = Math.max(this.#sequence, number);
      for (const run of segment.runs) packed = Math.max(packed, run.maxSequence);
    }
    this.#sequence = Math.max(this.#sequence, packed);
    for (const { path } of found.wals) await this.#openWal(path, packed);
  }

  async #openWal(path: string, packed: number): Promise<void> {
    const { files, logger } = this.#options;
    const content = readFrames(await files.read(path));
    if (content.damaged > 0) {
      logger.error({ file: path, bytes: content.damaged }, 'a write-ahead log of log events is damaged');
    }
    // A power cut between the packing and the removal of the log leaves events in both.
    const parts = content.parts.filter((part) => (part.sequences[part.count - 1] as number) > packed);
    for (const part of parts) {
      this.#sequence = Math.max(this.#sequence, part.sequences[part.count - 1] as number);
    }
    if (parts.length === 0) {
      await files.remove(path);
      return;
    }
    const file = await files.open(path);
    await file.truncate(content.end);
    this.#wals = [...this.#wals, new WriteAheadLog(path, file, { end: content.end, parts }, this.#memory)];
  }

  /**
   * Resolves with the time of arrival once the events are on disk. Whoever puts faster than events can be packed waits for it.
   *
   * @throws LOG_STORE_UNWRITABLE; LOG_GROUP_UNKNOWN after `close`.
   */
  async append(stream: number, events: readonly LogEvent[]): Promise<number> {
    if (this.size > this.#limits.waiting) await this.pack();
    if (this.#isClosed) throw logStoreError('LOG_GROUP_UNKNOWN', 'the log group is gone');
    if (this.size > this.#limits.waiting) throw unwritable('log events cannot be packed');
    const sequence = firstSequence(this.#options.clock.now(), this.#sequence);
    this.#sequence = sequence + events.length - 1;
    const frame = encodeFrame(stream, events, sequence);
    return new Promise((resolve, reject) => {
      const done = () => resolve(arrivalOf(sequence));
      this.#queue.push({ frame, done, failed: reject });
      this.#committing ??= this.#commitAll().finally(() => {
        this.#committing = undefined;
      });
    });
  }

  /** Everything that arrives during one commit goes into the next. */
  async #commitAll(): Promise<void> {
    // Whoever puts in the same turn of the loop shares the first one.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) await this.#alone(() => this.#commit(this.#take()));
  }

  async #commit(taken: readonly Waiting[]): Promise<void> {
    try {
      const wal = await this.#writable();
      await wal.append(taken.map(({ frame }) => frame));
      for (const { done } of taken) done();
      if (wal.size >= this.#limits.packAt) this.pack();
    } catch (error) {
      this.#options.logger.error({ error: messageOf(error) }, 'cannot write log events');
      const refusal = unwritable('the disk of the cloud does not take log events now', error);
      for (const { failed } of taken) failed(refusal);
    }
  }

  /** Nothing is written to a log while another takes over. */
  #alone<T>(operation: () => Promise<T>): Promise<T> {
    return this.#turns.run('wal', operation);
  }

  #take(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { frame } of this.#queue) {
      bytes += frame.bytes.length;
      if (count > 0 && bytes > this.#limits.commit) break;
      count += 1;
    }
    return this.#queue.splice(0, count);
  }

  /** The log to write to: a new one when the last is full, or cannot be trusted. */
  async #writable(): Promise<WriteAheadLog> {
    const last = this.#wals.at(-1);
    return last && !last.unsure && last.size < this.#limits.packAt ? last : this.#anotherWal();
  }

  async #anotherWal(): Promise<WriteAheadLog> {
    const { files, directory, clock } = this.#options;
    this.#sequence = firstSequence(clock.now(), this.#sequence);
    const path = groupFiles.wal(directory, this.#sequence);
    const wal = await WriteAheadLog.create(files, directory, path, this.#memory);
    this.#wals = [...this.#wals, wal];
    return wal;
  }

  /** Packs what waits, in the background; full logs only, or `all`. What fails is tried again the next time. */
  async pack({ all = false } = {}): Promise<void> {
    if (this.#packing) {
      await this.#packing.done;
      // What ran may have passed over what is not full.
      if (!all) return;
    }
    this.#packing ??= { done: this.#packAndTell(all) };
    await this.#packing.done;
  }

  async #packAndTell(all: boolean): Promise<void> {
    try {
      await this.#packAll(all);
    } catch (error) {
      this.#options.logger.error({ error: messageOf(error) }, 'cannot pack log events');
    } finally {
      this.#packing = undefined;
    }
  }

  async #packAll(all: boolean): Promise<void> {
    const isDue = ({ size }: WriteAheadLog) => size >= this.#limits.packAt || (all && size > 0);
    for (;;) {
      const [wal, another] = this.#wals;
      if (!wal || (!another && !isDue(wal))) return;
      if (!another) await this.#alone(() => this.#anotherWal());
      await this.#packOne(wal);
    }
  }

  async #packOne(wal: WriteAheadLog): Promise<void> {
    const { files, directory, onPacked } = this.#options;
    const columns = sortedTogether(wal.parts);
    if (columns.count > 0) {
      const bytes = await packRun(columns);
      const segment = await this.#writableSegment(columns);
      const run = await segment.write(bytes);
      await files.syncDirectory(directory);
      await onPacked?.();
      segment.add(run);
    }
    // In the same turn as the run is seen, so that no reader finds the events in both or in none.
    this.#wals = this.#wals.filter((other) => other !== wal);
    await wal.close();
    await files.remove(wal.path);
    await this.#options.onStored?.();
  }

  async #writableSegment({ sequences }: EventColumns): Promise<Segment> {
    const { files, directory, clock } = this.#options;
    const last = this.#segments.at(-1);
    const began = last?.runs[0]?.maxSequence;
    const isYoung = began === undefined || clock.now() - arrivalOf(began) < this.#limits.segmentAge;
    if (last && !last.sealed && last.length < this.#limits.segment && isYoung) return last;
    await last?.close();
    const segment = new Segment(files, groupFiles.segment(directory, sequences[0] as number));
    this.#segments = [...this.#segments, segment];
    return segment;
  }

  /**
   * Removes segments whose events are all older, and packs what has waited for a day, so that it can be removed in its turn.
   *
   * @param oldest milliseconds since 1970; undefined keeps everything.
   */
  async tidy(oldest: number | undefined): Promise<void> {
    const { clock, files, directory } = this.#options;
    const first = this.#wals[0]?.firstSequence;
    if (first !== undefined && clock.now() - arrivalOf(first) > this.#limits.segmentAge) {
      await this.pack({ all: true });
    }
    if (oldest === undefined) return;
    await this.#packing?.done;
    const gone = this.#segments.filter(({ runs, maxTime }) => runs.length > 0 && maxTime < oldest);
    if (gone.length === 0) return;
    this.#segments = this.#segments.filter((segment) => !gone.includes(segment));
    for (const segment of gone) {
      await segment.close();
      await files.remove(segment.path);
    }
    await files.syncDirectory(directory);
    await this.#options.onStored?.();
  }

  /** Ends what is under way. What is not packed stays in the write-ahead log. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#committing) await this.#committing;
    await this.#packing?.done;
    await Promise.all([...this.#wals, ...this.#segments].map((file) => file.close()));
    this.#wals = [];
    this.#segments = [];
  }
}

function unwritable(message: string, cause?: unknown): Error {
  return logStoreError('LOG_STORE_UNWRITABLE', message, { cause });
}
