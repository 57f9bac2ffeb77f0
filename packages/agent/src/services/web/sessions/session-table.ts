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
  readonly #ended: (session: Session) => void;

  /** @param ended Told of each that ends before its time is over, and of others when that is noticed. */
  constructor(limits: SessionLimits, clock: Clock, ended: (session: Session) => void = () => undefined) {
    this.#limits = limits;
    this.#clock = clock;
    this.#ended = ended;
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
      this.#end(session);
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
    for (const session of this.#held.values()) if (this.#isOver(session, now)) this.#end(session);
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

  /**
   * The same browser, signed in: its old ID is worth nothing, and what it holds goes along unless it was another user's.
   */
  signIn(before: Session | undefined, who: { username: string; role: string }): Session | undefined {
    if (before) this.#end(before);
    const isOwn = before?.username === undefined || before.username === who.username;
    return this.open(who, isOwn ? before?.values : undefined);
  }

  end(id: string): void {
    const session = this.#held.get(id);
    if (session) this.#end(session);
  }

  /** A password or a role has changed: who signed in by the old one signs in anew. */
  endOf(username: string): void {
    for (const session of this.#held.values()) if (session.username === username) this.#end(session);
  }

  #end(session: Session): void {
    if (this.#held.delete(session.id)) this.#ended(session);
  }

  #isOver({ began, used }: Held, now: number): boolean {
    return now - used >= this.#limits.idle || now - began >= this.#limits.lifetime;
  }

  /**
   * A visitor goes first. Then, for who signs in, the session not used the longest of the same user, else of whoever has the
   * most: a user who signs in again and again takes no room of others. The only one of somebody else never goes.
   */
  #makeRoom(user: string | undefined): boolean {
    const held = [...this.#held.values()];
    const isFor = (name: string | undefined) => held.filter(({ username }) => username === name);
    let [goes] = isFor(undefined);
    if (!goes && user !== undefined) {
      const lists = held.map(({ username }) => isFor(username));
      const [most = []] = lists.sort((a, b) => b.length - a.length);
      goes = isFor(user)[0] ?? (most.length > 1 ? most[0] : undefined);
    }
    if (goes) this.#end(goes);
    return goes !== undefined;
  }
}
