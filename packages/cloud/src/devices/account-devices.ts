import type { Clock, Component } from '@ioto/runtime';
import type { ItemChange, ItemStore } from '../ports/item-store.ts';
import { isDeviceItem } from './device-item.ts';

/** Milliseconds that a set outlives its last use: as long as the session of a tool that may come back. */
const IDLE = 3_600_000;

const PARTITION = 'd#';

interface DeviceSet {
  ids: Set<string>;
  loaded: Promise<void>;
  /** Changes that came while the set was read, which is older than they are. */
  early: ItemChange[] | undefined;
  users: number;
  usedAt: number;
}

/**
 * Which devices an account holds, to be asked for every message: a set for each account that somebody watches, read when
 * the first one comes and kept by the store's own feed of changes, from claim to release.
 */
export class AccountDevices implements Component {
  readonly name = 'devices of accounts';
  readonly #store: ItemStore;
  readonly #clock: Clock;
  readonly #sets = new Map<string, DeviceSet>();
  #end: (() => void) | undefined;

  constructor(options: { store: ItemStore; clock: Clock }) {
    this.#store = options.store;
    this.#clock = options.clock;
  }

  async start(): Promise<void> {
    this.#end = this.#store.onChange((change) => this.#changed(change));
  }

  async stop(): Promise<void> {
    this.#end?.();
    this.#end = undefined;
    this.#sets.clear();
  }

  /** Resolves when `owns` knows the devices of the account, for an hour after the last use of the set. */
  async know(accountId: string): Promise<void> {
    this.#forgetIdle();
    let set = this.#sets.get(accountId);
    if (!set) {
      set = { ids: new Set(), loaded: Promise.resolve(), early: [], users: 0, usedAt: this.#clock.now() };
      this.#sets.set(accountId, set);
      set.loaded = this.#load(accountId, set);
      set.loaded.catch(() => this.#sets.delete(accountId));
    }
    set.usedAt = this.#clock.now();
    await set.loaded;
  }

  /** Keeps a set that is known until as many `leave` it. */
  use(accountId: string): void {
    const set = this.#sets.get(accountId);
    if (set) set.users += 1;
  }

  leave(accountId: string): void {
    const set = this.#sets.get(accountId);
    if (!set) return;
    set.users -= 1;
    set.usedAt = this.#clock.now();
  }

  /** False for an account that is not known. */
  owns(accountId: string, deviceId: string): boolean {
    return this.#sets.get(accountId)?.ids.has(deviceId) ?? false;
  }

  /** How many accounts are known. */
  get size(): number {
    return this.#sets.size;
  }

  async #load(accountId: string, set: DeviceSet): Promise<void> {
    let after: string | undefined;
    do {
      const page = await this.#store.query(PARTITION + accountId, { begins: PARTITION, after });
      for (const item of page.items) if (isDeviceItem(item)) set.ids.add(item.id);
      after = page.next;
    } while (after !== undefined);
    for (const change of set.early ?? []) apply(change, set.ids);
    set.early = undefined;
  }

  #changed(change: ItemChange): void {
    if (!change.pk.startsWith(PARTITION)) return;
    const set = this.#sets.get(change.pk.slice(PARTITION.length));
    if (!set) return;
    if (set.early) set.early.push(change);
    else apply(change, set.ids);
  }

  #forgetIdle(): void {
    const before = this.#clock.now() - IDLE;
    for (const [accountId, { users, usedAt }] of this.#sets) {
      if (users === 0 && usedAt < before) this.#sets.delete(accountId);
    }
  }
}

function apply({ before, after }: ItemChange, ids: Set<string>): void {
  if (isDeviceItem(after)) ids.add(after.id);
  else if (isDeviceItem(before)) ids.delete(before.id);
}
