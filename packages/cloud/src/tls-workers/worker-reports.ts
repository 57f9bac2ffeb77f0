import type { Clock, Logger } from '@ioto/runtime';
import type { LogLine, WorkerReport } from './worker-messages.ts';

/** Milliseconds that things are gathered for. */
const EVERY = 250;

/** Lines in one report: a flood of strangers must not become a flood between the processes. */
const MOST_LINES = 100;

/** What a worker has to tell, gathered so that a crowd costs one message. */
export class WorkerReports {
  readonly logger: Logger = this.#loggerWith({});
  readonly #clock: Clock;
  readonly #send: (report: WorkerReport) => void;
  #refused: Record<string, number> = {};
  #lines: LogLine[] = [];
  #leftOut = 0;
  #connections = 0;
  #toldConnections = 0;
  #scheduled = false;

  constructor(clock: Clock, send: (report: WorkerReport) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Counts a connection that was refused, with a word why. */
  refused(reason: string): void {
    this.#refused[reason] = (this.#refused[reason] ?? 0) + 1;
    this.#schedule();
  }

  /** Connections that are relayed now. */
  connections(count: number): void {
    this.#connections = count;
    this.#schedule();
  }

  /** Sends what there is. */
  flush(): void {
    const refused = this.#refused;
    const lines = this.#linesToTell();
    const connections = this.#connections;
    const isNews = connections !== this.#toldConnections;
    this.#toldConnections = connections;
    this.#refused = {};
    this.#lines = [];
    if (isNews || lines.length > 0 || Object.keys(refused).length > 0)
      this.#send({ refused, lines, connections });
  }

  #linesToTell(): LogLine[] {
    if (this.#leftOut === 0) return this.#lines;
    const count = this.#leftOut;
    this.#leftOut = 0;
    return [
      ...this.#lines,
      { level: 'warn', facts: { count }, message: 'more lines of a worker were left out' },
    ];
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#clock.after(
      EVERY,
      () => {
        this.#scheduled = false;
        this.flush();
      },
      { unref: true },
    );
  }

  #loggerWith(common: object): Logger {
    const at = (level: LogLine['level']) => (facts: object, message: string) => {
      if (this.#lines.length >= MOST_LINES) {
        this.#leftOut += 1;
        return;
      }
      this.#lines.push({ level, facts: { ...common, ...facts }, message });
      this.#schedule();
    };
    return {
      ...{ debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
      child: (facts) => this.#loggerWith({ ...common, ...facts }),
    };
  }
}
