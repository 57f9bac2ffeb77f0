import type { ChildProcess } from 'node:child_process';
import { Backoff, type Clock, type Logger, messageOf, sleep } from '@ioto/runtime';
import { signalGroup, startGroup } from '../../../child-process/group.ts';
import { LONGEST_EVENT } from '../batch.ts';
import type { Entry } from '../entry.ts';
import { scanEvents, WINDOW } from '../scan.ts';
import type { Spool } from './spool.ts';

/** Milliseconds before a command that failed is run again, at first and at most. */
const FIRST_RETRY = 1000;
const LAST_RETRY = 300_000;
/** Milliseconds that it has to end when it is asked to. */
const LEAVE = 1000;
const FEED = 0x0a;

export interface CommandOptions {
  entry: Entry;
  command: string;
  every: number | undefined;
  spool: Spool;
  clock: Clock;
  logger: Logger;
  serverNow(): number;
}

/** Runs a command of the configuration and spools what it prints. */
export class CommandSource {
  readonly #options: CommandOptions;
  readonly #window = Buffer.allocUnsafeSlow(WINDOW);
  #length = 0;
  /** Bytes that were left out of the long line that fills the window. */
  #cut = 0;
  #cancelLinger: (() => void) | undefined;
  #child: ChildProcess | undefined;

  constructor(options: CommandOptions) {
    this.#options = options;
  }

  /** Runs it, again and again where it should be; resolves when it is over, or on abort. */
  async run(signal: AbortSignal): Promise<void> {
    const { command, every, clock, logger } = this.#options;
    const backoff = new Backoff({ first: FIRST_RETRY, limit: LAST_RETRY });
    signal.addEventListener('abort', () => this.#end(), { once: true });
    while (!signal.aborted) {
      const problem = await this.#runOnce();
      if (signal.aborted) return;
      if (problem !== undefined) logger.warn({ command, problem }, 'a command whose output is sent failed');
      else backoff.reset();
      const wait = problem === undefined || every !== undefined ? every : backoff.next();
      if (wait === undefined) return;
      await sleep(clock, wait, signal).catch(() => undefined);
    }
  }

  /** Resolves with what went wrong, undefined after a good end. */
  #runOnce(): Promise<string | undefined> {
    return new Promise((resolve) => {
      // A command of the maker's own configuration: a shell line. In a group of its own, so that all of it can be ended.
      const child = startGroup(
        '/bin/sh',
        ['-c', this.#options.command],
        { stdio: ['ignore', 'pipe', 'ignore'] },
        (error) => resolve(messageOf(error)),
      );
      this.#child = child;
      child?.stdout?.on('data', (data: Buffer) => {
        if (this.#take(data)) return;
        child.stdout?.pause();
        this.#options.spool.onceDrained(() => child.stdout?.resume());
      });
      child?.on('close', (code, signal) => {
        this.#child = undefined;
        this.#flush();
        resolve(code === 0 ? undefined : code === null ? `it was ended by ${signal}` : `exit code ${code}`);
      });
    });
  }

  #end(): void {
    this.#kill('SIGTERM');
    this.#options.clock.after(LEAVE, () => this.#kill('SIGKILL'));
  }

  #kill(signal: NodeJS.Signals): void {
    signalGroup(this.#child, signal);
    // What it has started elsewhere may hold its output open.
    if (signal === 'SIGKILL') this.#child?.stdout?.destroy();
  }

  /** Returns false when the spool asks to wait. */
  #take(data: Buffer): boolean {
    let hasRoom = true;
    for (let rest = data; rest.length > 0; ) {
      if (this.#cut > 0) rest = this.#skip(rest);
      const copied = rest.copy(this.#window, this.#length);
      this.#length += copied;
      rest = rest.subarray(copied);
      if (copied > 0 && !this.#scan(false)) hasRoom = false;
    }
    this.#cancelLinger?.();
    this.#cancelLinger = undefined;
    if (this.#length > 0) {
      this.#cancelLinger = this.#options.clock.after(this.#options.entry.linger, () => this.#flush(), {
        unref: true,
      });
    }
    return hasRoom;
  }

  #scan(final: boolean): boolean {
    const { entry, spool, serverNow } = this.#options;
    const time = serverNow();
    let hasRoom = true;
    for (;;) {
      const { at } = scanEvents(this.#window, this.#length, entry.rule, final, (start, end) => {
        if (end > start) hasRoom = spool.add(time, this.#window.subarray(start, end));
        return true;
      });
      this.#window.copy(this.#window, 0, at, this.#length);
      this.#length -= at;
      if (at === 0 || this.#length === 0) break;
    }
    // A line that fills the window is cut: from here on its bytes are only counted.
    if (this.#length === WINDOW) this.#cut = WINDOW - LONGEST_EVENT;
    return hasRoom;
  }

  /** Counts what belongs to the line that is cut; returns what follows it. */
  #skip(data: Buffer): Buffer {
    const feed = data.indexOf(FEED);
    this.#cut += feed === -1 ? data.length : feed;
    if (feed === -1) return data.subarray(data.length);
    this.#endCut();
    return data.subarray(feed + 1);
  }

  #endCut(): void {
    const mark = Buffer.from(` …[cut ${this.#cut} bytes]`);
    const kept = LONGEST_EVENT - mark.length;
    this.#options.spool.add(this.#options.serverNow(), Buffer.concat([this.#window.subarray(0, kept), mark]));
    this.#cut = 0;
    this.#length = 0;
  }

  /** Nothing came for a while, or nothing comes any more: what is there is an event. */
  #flush(): void {
    this.#cancelLinger?.();
    this.#cancelLinger = undefined;
    if (this.#cut > 0) this.#endCut();
    else if (this.#length > 0) this.#scan(true);
  }
}
