import type { Clock } from '@ioto/runtime';
import { FeedFollower } from '../ports/feed-follower.ts';
import type { ItemChange, ItemStore } from '../ports/item-store.ts';

/** Milliseconds between two looks for views that nobody uses. */
const SWEEP = 60_000;
/** Milliseconds that a view outlives its last use: as long as the session of a client that may come back. */
const IDLE = 3_600_000;

/** What a view is told of an item: as it was, and as it is now. */
export type ViewChange = Pick<ItemChange, 'before' | 'after'>;

export interface AccountViewsOptions<V> {
  store: ItemStore;
  clock: Clock;
  /** Partition key of an account's items, without the account. */
  partition: string;
  /** What their sort keys begin with. */
  begins: string;
  /** The view of an account that has nothing. */
  create(): V;
  apply(change: ViewChange, view: V): void;
  /** Told after a change that came once the view was read. */
  onChange?(accountId: string, view: V): void;
}

interface Held<V> {
  view: V;
  loaded: Promise<void>;
  /** Changes that came while the view was read, which is older than they are. */
  early: ItemChange[] | undefined;
  users: number;
  usedAt: number;
}

/**
 * Something about each account that is asked for with every message, so that no read of the store may stand before it:
 * read when the first one comes who needs it, kept by the store's own feed of changes, and dropped an hour after its last
 * use.
 */
export class AccountViews<V> extends FeedFollower {
  override readonly name: string;
  readonly #options: AccountViewsOptions<V>;
  readonly #held = new Map<string, Held<V>>();
  #sweptAt = Number.NEGATIVE_INFINITY;

  constructor(name: string, options: AccountViewsOptions<V>) {
    super(options.store);
    this.name = name;
    this.#options = options;
  }

  override async stop(): Promise<void> {
    await super.stop();
    this.#held.clear();
  }

  /** Resolves with the account's view, which is true from then on for an hour after its last use. */
  async know(accountId: string): Promise<V> {
    const { clock, create } = this.#options;
    this.#forgetIdle();
    let held = this.#held.get(accountId);
    if (!held) {
      held = { view: create(), loaded: Promise.resolve(), early: [], users: 0, usedAt: clock.now() };
      this.#held.set(accountId, held);
      held.loaded = this.#load(accountId, held);
      held.loaded.catch(() => this.#held.delete(accountId));
    }
    held.usedAt = clock.now();
    await held.loaded;
    return held.view;
  }

  /** Keeps a view that is known until as many `leave` it. */
  use(accountId: string): void {
    const held = this.#held.get(accountId);
    if (held) held.users += 1;
  }

  leave(accountId: string): void {
    const held = this.#held.get(accountId);
    if (!held) return;
    held.users -= 1;
    held.usedAt = this.#options.clock.now();
  }

  /** Undefined for an account that is not known. */
  get(accountId: string): V | undefined {
    return this.#held.get(accountId)?.view;
  }

  /** How many accounts are known. */
  get size(): number {
    return this.#held.size;
  }

  async #load(accountId: string, held: Held<V>): Promise<void> {
    const { store, partition, begins, apply } = this.#options;
    let after: string | undefined;
    do {
      const page = await store.query(partition + accountId, { begins, after });
      for (const item of page.items) apply({ after: item }, held.view);
      after = page.next;
    } while (after !== undefined);
    for (const change of held.early ?? []) apply(change, held.view);
    held.early = undefined;
  }

  protected override changed(change: ItemChange): void {
    const { partition, begins, apply, onChange } = this.#options;
    if (!change.pk.startsWith(partition) || !change.sk.startsWith(begins)) return;
    const accountId = change.pk.slice(partition.length);
    const held = this.#held.get(accountId);
    if (!held) return;
    if (held.early) held.early.push(change);
    else {
      apply(change, held.view);
      onChange?.(accountId, held.view);
    }
  }

  #forgetIdle(): void {
    const now = this.#options.clock.now();
    if (now - this.#sweptAt < SWEEP) return;
    this.#sweptAt = now;
    const before = now - IDLE;
    for (const [accountId, { users, usedAt }] of this.#held) {
      if (users === 0 && usedAt < before) this.#held.delete(accountId);
    }
  }
}
