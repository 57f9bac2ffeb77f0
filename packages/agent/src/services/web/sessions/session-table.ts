import { randomBytes } from 'node:crypto';
import type { Clock } from '@ioto/runtime';

export interface SessionLimits {
  /** Sessions at once. */
  sessions: number;
  /** Milliseconds since the last use. */
  idle: number;
  /** Milliseconds in all. */
  lifetime: number;
}

/** What one browser is known by. */
export interface Session {
  readonly id: string;
  /** To be sent along with what changes something. */
  readonly xsrf: string;
  /** Who signed in; undefined for a visitor. */
  readonly username: string | undefined;
  readonly role: string | undefined;
  readonly values: Map<string, unknown>;
}

interface Held extends Session {
  began: number;
  used: number;
}

/** Sessions, in memory: a restart of the device ends them. An ID is 128 random bits, and is new after each sign-in. */
export class SessionTable {
  readonly #limits: SessionLimits;
  readonly #clock: Clock;
  readonly #held = new Map<string, Held>();

  constructor(limits: SessionLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  get size(): number {
    return this.#held.size;
  }

  /** The session of an ID, which is used by this; undefined for one that there is not, or whose time is over. */
  find(id: string): Session | undefined {
    const session = this.#held.get(id);
    if (!session) return undefined;
    const now = this.#clock.now();
    if (this.#isOver(session, now)) {
      this.#held.delete(id);
      return undefined;
    }
    session.used = now;
    // Those that were not used the longest stand first.
    this.#held.delete(id);
    this.#held.set(id, session);
    return session;
  }

  /** Whether there is one whose time is not over; this is no use of it. */
  holds(id: string): boolean {
    const session = this.#held.get(id);
    return session !== undefined && !this.#isOver(session, this.#clock.now());
  }

  /** A new one; undefined when there are as many as there may be, and nobody displaces who else has signed in. */
  open(who?: { username: string; role: string }, values = new Map<string, unknown>()): Session | undefined {
    const now = this.#clock.now();
    for (const [id, session] of this.#held) if (this.#isOver(session, now)) this.#held.delete(id);
    if (this.#held.size >= this.#limits.sessions && !this.#makeRoom(who?.username)) return undefined;
    const session: Held = {
      id: randomBytes(16).toString('base64url'),
      xsrf: randomBytes(16).toString('base64url'),
      username: who?.username,
      role: who?.role,
      ...{ values, began: now, used: now },
    };
    this.#held.set(session.id, session);
    return session;
  }

  /** The same browser, signed in: what it holds goes along, its old ID is worth nothing. */
  signIn(before: Session | undefined, who: { username: string; role: string }): Session | undefined {
    if (before) this.#held.delete(before.id);
    return this.open(who, before?.values);
  }

  end(id: string): void {
    this.#held.delete(id);
  }

  /** A password or a role has changed: who signed in by the old one signs in anew. */
  endOf(username: string): void {
    for (const [id, session] of this.#held) if (session.username === username) this.#held.delete(id);
  }

  #isOver({ began, used }: Held, now: number): boolean {
    return now - used >= this.#limits.idle || now - began >= this.#limits.lifetime;
  }

  /** A visitor goes first; then, for who signs in once more, the session that the same user has not used the longest. */
  #makeRoom(user: string | undefined): boolean {
    const held = [...this.#held.values()];
    const goes =
      held.find(({ username }) => username === undefined) ??
      (user === undefined ? undefined : held.find(({ username }) => username === user));
    return goes !== undefined && this.#held.delete(goes.id);
  }
}
