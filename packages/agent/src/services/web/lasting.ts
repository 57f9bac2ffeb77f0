import type { Session } from './sessions/session-table.ts';

/** So many times `limits.buffer` may wait for a client that reads too slowly; more, and it is dropped. */
export const MOST_WAITING = 4;

/** Why something that lasts has to end. */
export type EndReason = 'stop' | 'session';

/** One thing that lasts. */
export interface LastingThing {
  /** What it was begun in: it goes on no longer. */
  session: Session | undefined;
  /** Who began it, by whatever way of signing in. */
  username: string | undefined;
  end: (why: EndReason) => void;
}

/**
 * What lasts beyond one answer, WebSockets and streams of events: so many at once, none once the service stops, and each only as
 * long as who began it may.
 */
export class Lasting {
  readonly #limit: number;
  readonly #things = new Set<LastingThing>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#things.size;
  }

  /** Takes one in; returns what lets it go. Undefined: there are as many as there may be. */
  admit(thing: LastingThing): (() => void) | undefined {
    if (this.#things.size >= this.#limit) return undefined;
    this.#things.add(thing);
    return () => void this.#things.delete(thing);
  }

  endAll(): void {
    for (const { end } of [...this.#things]) end('stop');
    this.#things.clear();
  }

  /** A session is over, however it came to be. */
  endIn(session: Session): void {
    for (const thing of [...this.#things]) if (thing.session === session) thing.end('session');
  }

  /** A password or a role has changed, or a user is no more. */
  endOf(username: string): void {
    for (const thing of [...this.#things]) if (thing.username === username) thing.end('session');
  }
}
