import type { Session } from './session.ts';

/** Where sessions are held. Durable sessions will be another implementation of this. */
export interface SessionStore {
  readonly size: number;
  find(clientId: string): Session | undefined;
  keep(session: Session): void;
  remove(clientId: string): void;
  all(): Iterable<Session>;
}

/** Sessions that end with the process. */
export class MemorySessionStore implements SessionStore {
  readonly #sessions = new Map<string, Session>();

  get size(): number {
    return this.#sessions.size;
  }

  find(clientId: string): Session | undefined {
    return this.#sessions.get(clientId);
  }

  keep(session: Session): void {
    this.#sessions.set(session.clientId, session);
  }

  remove(clientId: string): void {
    this.#sessions.delete(clientId);
  }

  all(): Iterable<Session> {
    return this.#sessions.values();
  }
}
