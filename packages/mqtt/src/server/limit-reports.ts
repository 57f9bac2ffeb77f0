import type { Clock } from '@ioto/runtime';
import type { LimitExceeded } from './hooks.ts';
import type { MqttLimits } from './limits.ts';

/** Milliseconds in which what one client does beyond one limit becomes one report. */
const EVERY = 1000;

/** Pairs of client and limit that wait to be reported; beyond it, the counters alone tell. */
const MOST = 10_000;

/** Whose deed it is: a session's, or a client's own. */
export interface Violator {
  /** The session's key. */
  clientId: string;
  owner: string | undefined;
}

/** Tells the embedder of limits that clients exceed, once a second for each client and limit however often they do. */
export class LimitReports {
  readonly #clock: Clock;
  readonly #report: (facts: LimitExceeded) => void;
  #waiting = new Map<string, LimitExceeded>();

  constructor(clock: Clock, report: (facts: LimitExceeded) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  add(limit: keyof MqttLimits, { clientId, owner }: Violator, detail: string): void {
    const key = `${limit} ${clientId}`;
    const waiting = this.#waiting.get(key);
    if (waiting) {
      waiting.count += 1;
      waiting.detail = detail;
      return;
    }
    if (this.#waiting.size >= MOST) return;
    if (this.#waiting.size === 0) this.#clock.after(EVERY, this.#tell, { unref: true });
    this.#waiting.set(key, { clientId, owner, limit, detail, count: 1 });
  }

  readonly #tell = (): void => {
    const waiting = this.#waiting;
    this.#waiting = new Map();
    for (const facts of waiting.values()) this.#report(facts);
  };
}
