/** What sessions may hold together. */
export interface HeldLimits {
  /**
   * Bytes of memory, about, that the messages of all sessions take, waiting or not acknowledged: each topic, payload and
   * what comes with them (`heldSize`), for each client anew. Beyond it new messages are dropped, except for a connected
   * client that has acknowledged all it was sent.
   */
  maxQueuedBytesInAll: number;
  /** The same for the sessions of one owner, where `hooks.queueOwner` names one. */
  maxQueuedBytesOfOwner: number;
}

/** What some sessions hold together, within what others hold with them. */
export class HeldBytes {
  readonly #limit: keyof HeldLimits;
  readonly #most: number;
  readonly #within: HeldBytes | undefined;
  #sum = 0;

  constructor(limit: keyof HeldLimits, most: number, within?: HeldBytes) {
    this.#limit = limit;
    this.#most = most;
    this.#within = within;
  }

  get sum(): number {
    return this.#sum;
  }

  /** The limit that forbids so many bytes more. */
  refusalOf(bytes: number): keyof HeldLimits | undefined {
    return this.#sum + bytes > this.#most ? this.#limit : this.#within?.refusalOf(bytes);
  }

  /** What was taken counts even where there is no room: what was written down before a restart is taken whole. */
  add(bytes: number): void {
    this.#sum += bytes;
    this.#within?.add(bytes);
  }

  remove(bytes: number): void {
    this.add(-bytes);
  }
}

/** For a session that no limit counts. */
export function uncounted(): HeldBytes {
  return new HeldBytes('maxQueuedBytesInAll', Number.POSITIVE_INFINITY);
}

/** What the sessions of one owner hold. */
class OwnerBytes extends HeldBytes {
  readonly owner: string;
  sessions = 0;

  constructor(owner: string, most: number, all: HeldBytes) {
    super('maxQueuedBytesOfOwner', most, all);
    this.owner = owner;
  }
}

/** What the sessions of one server hold: all together, and those of each owner. */
export class HeldByOwners {
  readonly #most: number;
  readonly #all: HeldBytes;
  /** Those that have sessions. */
  readonly #owners = new Map<string, OwnerBytes>();

  constructor({ maxQueuedBytesInAll, maxQueuedBytesOfOwner }: HeldLimits) {
    this.#most = maxQueuedBytesOfOwner;
    this.#all = new HeldBytes('maxQueuedBytesInAll', maxQueuedBytesInAll);
  }

  get sum(): number {
    return this.#all.sum;
  }

  /** How many have sessions. */
  get owners(): number {
    return this.#owners.size;
  }

  /** Where a new session counts; one of nobody only among all. */
  join(owner: string | undefined): HeldBytes {
    if (owner === undefined) return this.#all;
    let joined = this.#owners.get(owner);
    if (!joined) {
      joined = new OwnerBytes(owner, this.#most, this.#all);
      this.#owners.set(owner, joined);
    }
    joined.sessions += 1;
    return joined;
  }

  /** A session that had joined has ended, and holds nothing any more. To be called once. */
  leave(joined: HeldBytes): void {
    if (!(joined instanceof OwnerBytes)) return;
    joined.sessions -= 1;
    if (joined.sessions === 0) this.#owners.delete(joined.owner);
  }
}
