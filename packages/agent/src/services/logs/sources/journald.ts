import type { ChildProcess } from 'node:child_process';
import { Backoff, type Clock, type Logger, messageOf, sleep } from '@ioto/runtime';
import { signalGroup, startGroup } from '../../../child-process/group.ts';
import type { Batch } from '../batch.ts';
import type { Entry } from '../entry.ts';
import { BoundedLines } from './bounded-lines.ts';
import { JOURNAL_FIELDS, type JournalEntry, parseJournalEntry } from './journal-entry.ts';
import type { EventSource, Gap } from './source.ts';

/** Bytes of messages that wait in memory; the journal itself keeps the rest. */
const MOST_WAITING = 512 * 1024;
/** Bytes of the longest entry that is read. */
const LONGEST_ENTRY = 1024 * 1024;
/** Milliseconds before its program is started again, at first and at most. */
const FIRST_RETRY = 1000;
const LAST_RETRY = 300_000;

export interface JournaldOptions {
  entry: Entry;
  /** Only that unit. */
  unit: string | undefined;
  /** Program that reads the journal. */
  program: string;
  clock: Clock;
  logger: Logger;
  lost(source: string, gap: Gap): void;
}

/**
 * The journal of systemd by its own program, from the entry on that was sent last. The journal keeps what has not been
 * sent; while nothing is, its program is left to wait.
 */
export class JournaldSource implements EventSource {
  readonly name: string;
  readonly #options: JournaldOptions;
  #cursor: string | undefined;
  /** Since when entries are new to a journal that is read from its end. */
  #began = 0;
  #waiting: JournalEntry[] = [];
  #waitingBytes = 0;
  /** Entries that were sent, and that were taken, since the start. */
  #sent = 0;
  #taken = 0;
  #since = 0;
  #child: ChildProcess | undefined;
  readonly #marks = new WeakMap<Batch, number>();

  constructor(options: JournaldOptions, state: unknown) {
    this.#options = options;
    this.name = options.unit === undefined ? 'journald' : `journald ${options.unit}`;
    const { cursor } = (state ?? {}) as { cursor?: unknown };
    if (typeof cursor === 'string') this.#cursor = cursor;
  }

  /** Reads until abort; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, logger } = this.#options;
    const backoff = new Backoff({ first: FIRST_RETRY, limit: LAST_RETRY });
    signal.addEventListener('abort', () => signalGroup(this.#child, 'SIGTERM'), { once: true });
    while (!signal.aborted) {
      const before = this.#sent;
      const problem = await this.#runOnce();
      if (signal.aborted) return;
      if (this.#sent > before) backoff.reset();
      logger.warn({ source: this.name, problem }, 'the journal cannot be read; that will be tried again');
      await sleep(clock, backoff.next(), signal).catch(() => undefined);
    }
  }

  due(now: number): number | undefined {
    const count = this.#waiting.length - (this.#taken - this.#sent);
    if (count <= 0) return undefined;
    const { limits, linger } = this.#options.entry;
    const isMany = count >= limits.maxEvents || this.#waitingBytes >= Math.min(limits.maxSize, MOST_WAITING);
    return isMany ? now : this.#since + linger;
  }

  async fill(batch: Batch): Promise<void> {
    const { entry, clock } = this.#options;
    let at = this.#taken - this.#sent;
    const { until, ...target } = entry.target(this.#waiting[at]?.time ?? clock.now(), 'journald');
    batch.begin(target, entry.limits, until);
    for (; at < this.#waiting.length; at += 1) {
      const { time, text } = this.#waiting[at] as JournalEntry;
      if (!batch.addText(time, text)) break;
    }
    this.#taken = this.#sent + at;
    this.#since = clock.now();
    this.#marks.set(batch, this.#taken);
  }

  commit(batch: Batch): void {
    const sent = this.#waiting.splice(0, Math.max(0, (this.#marks.get(batch) ?? 0) - this.#sent));
    this.#release(sent);
  }

  rewind(): void {
    this.#taken = this.#sent;
    this.#since = this.#options.clock.now();
  }

  async forget(): Promise<void> {
    // What its program has printed and nobody has read is of the former owner as well: it is let go before there is room again.
    const child = this.#child;
    this.#child = undefined;
    child?.stdout?.destroy();
    signalGroup(child, 'SIGTERM');
    this.#release(this.#waiting.splice(0));
    this.#taken = this.#sent;
    // Begun again from its end.
    this.#cursor = undefined;
  }

  state(): unknown {
    return { cursor: this.#cursor };
  }

  #release(entries: readonly JournalEntry[]): void {
    this.#sent += entries.length;
    this.#cursor = entries.at(-1)?.cursor ?? this.#cursor;
    for (const { text } of entries) this.#waitingBytes -= text.length;
    if (this.#waitingBytes < MOST_WAITING) this.#child?.stdout?.resume();
  }

  /** Resolves with why its program ended. */
  #runOnce(): Promise<string> {
    const { program, clock } = this.#options;
    // What waits will be read again.
    const last = this.#waiting.at(-1)?.cursor ?? this.#cursor;
    this.#began = clock.now();
    return new Promise((resolve) => {
      const child = startGroup(
        program,
        this.#arguments(last),
        { stdio: ['ignore', 'pipe', 'pipe'] },
        (error) => resolve(messageOf(error)),
      );
      this.#child = child;
      let said = '';
      const lines = new BoundedLines(LONGEST_ENTRY, (line, left) => {
        // Of one that was let go nothing is taken, also not the rest of what it was read with.
        if (this.#child === child) this.#take(line, left);
      });
      child?.stdout?.on('data', (data: Buffer) => {
        lines.add(data);
        if (this.#waitingBytes >= MOST_WAITING) child.stdout?.pause();
      });
      child?.stderr?.on('data', (data: Buffer) => {
        said = (said + data.toString()).slice(-500);
      });
      child?.on('close', (code, signal) =>
        resolve(`${program} ended with ${code ?? signal}${said ? `: ${said.trim()}` : ''}`),
      );
    });
  }

  #arguments(cursor: string | undefined): string[] {
    const { unit, entry } = this.#options;
    const all = ['--follow', '--output=json', '--all', `--output-fields=${JOURNAL_FIELDS.join(',')}`];
    if (unit !== undefined) all.push(`--unit=${unit}`);
    if (cursor !== undefined) return [...all, '--no-tail', `--after-cursor=${cursor}`];
    // The last entry that there is says where its end is.
    return [...all, entry.fromStart ? '--no-tail' : '--lines=1'];
  }

  #take(line: Buffer, left: number): void {
    const entry = left === 0 ? parseJournalEntry(line.toString('utf8')) : undefined;
    if (!entry) {
      if (line.length > 0) this.#options.lost(this.name, { lines: 1, bytes: line.length + left });
      return;
    }
    const isOld = entry.time < this.#began && !this.#options.entry.fromStart;
    if (this.#cursor === undefined && this.#waiting.length === 0 && isOld) {
      this.#cursor = entry.cursor;
      return;
    }
    if (this.#taken - this.#sent >= this.#waiting.length) this.#since = this.#options.clock.now();
    this.#waiting.push(entry);
    this.#waitingBytes += entry.text.length;
  }
}
