import { createLogger, type Logger, type LogLevel } from '@ioto/runtime';
import type { ProgramLog } from './service-apis.ts';

/** Lines that are held for whoever asks for them. */
const RECENT = 1000;
/** Bytes of them, so that long lines are not held by the thousand. */
const RECENT_BYTES = 256 * 1024;

const RANKS: Record<LogLevel, number> = { debug: 0, info: 1, warn: 2, error: 3, silent: 4 };

/** The program's log: it goes where it goes, and lends its lines to the services that ask for them. */
export class LogTap implements ProgramLog {
  level: LogLevel;
  /** What the program writes its log with. */
  readonly logger: Logger;
  #out: { write(line: string): void };
  readonly #sinks = new Set<(line: string) => void>();
  #recent: string[] = [];
  #recentBytes = 0;

  constructor(name: string, level: LogLevel, out: { write(line: string): void }) {
    this.level = level;
    this.#out = out;
    // The level may change while the program runs, also for loggers that were made of this one.
    const all = createLogger(name, { level: 'debug', destination: { write: (line) => this.#write(line) } });
    this.logger = new LeveledLogger(all, () => RANKS[this.level]);
  }

  /** Goes elsewhere from now on. */
  writeTo(out: { write(line: string): void }): void {
    this.#out = out;
  }

  recent(): readonly string[] {
    return this.#recent;
  }

  attach(sink: (line: string) => void): () => void {
    for (const line of this.#recent) sink(line);
    this.#sinks.add(sink);
    return () => this.#sinks.delete(sink);
  }

  #write(text: string): void {
    this.#out.write(text);
    const line = text.trimEnd();
    this.#recent.push(line);
    this.#recentBytes += line.length;
    while (this.#recent.length > RECENT || this.#recentBytes > RECENT_BYTES) {
      this.#recentBytes -= this.#recent.shift()?.length ?? 0;
    }
    for (const sink of this.#sinks) sink(line);
  }
}

class LeveledLogger implements Logger {
  readonly #logger: Logger;
  readonly #least: () => number;

  constructor(logger: Logger, least: () => number) {
    this.#logger = logger;
    this.#least = least;
  }

  debug(facts: object, message: string): void {
    if (this.#least() <= RANKS.debug) this.#logger.debug(facts, message);
  }

  info(facts: object, message: string): void {
    if (this.#least() <= RANKS.info) this.#logger.info(facts, message);
  }

  warn(facts: object, message: string): void {
    if (this.#least() <= RANKS.warn) this.#logger.warn(facts, message);
  }

  error(facts: object, message: string): void {
    if (this.#least() <= RANKS.error) this.#logger.error(facts, message);
  }

  child(facts: object): Logger {
    return new LeveledLogger(this.#logger.child(facts), this.#least);
  }
}
