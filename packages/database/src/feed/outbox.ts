import type { ChangeCommand, WireItem } from '@ioto/protocol';
import { wireItem } from '../items/visible.ts';
import type { Operation } from '../journal/operation.ts';
import type { Schema } from '../schema/compile.ts';
import type { ItemKey } from '../schema/definition.ts';
import type { State } from '../state.ts';
import type { Pending } from './outbox-table.ts';

/** One item whose latest change is not acknowledged yet, ready for the wire. */
export interface OutboxEntry {
  /** Sort key, which names the item on the wire. */
  readonly key: string;
  readonly model: string;
  readonly cmd: ChangeCommand;
  /**
   * The item as it is now, hidden fields too, with type and `sk`, without `pk`; of a removed one its key properties and
   * `updated`.
   */
  readonly item: WireItem;
  /** The `seq` of the change: grows with every change, across restarts. */
  readonly version: number;
}

/** What an acknowledgement needs to say: the entry as it was sent. */
export type Acknowledged = Pick<OutboxEntry, 'key' | 'version'>;

export interface PendingOptions {
  /** Only changes later than this version: what lies behind a batch that is under way. */
  after?: number;
}

export interface OutboxOptions {
  schema: Schema;
  state: State;
  /** Applies operations and resolves when they are durable, or at once when they may be lazy. */
  commit(operations: readonly Operation[], durability: 'each' | 'lazy'): Promise<unknown>;
  onListenerError(error: unknown): void;
}

/**
 * The changes that the cloud does not have yet, one per item: later changes of an item replace earlier ones. An entry is
 * journalled with its change, in one commit, so that after a crash either both are there or neither is.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #listeners = new Set<() => void>();

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Items that wait, those whose commit is under way included. */
  get size(): number {
    return this.#options.state.outbox.size;
  }

  /** Durable entries in order of version, at most `limit`. */
  pending(limit: number, { after = -1 }: PendingOptions = {}): readonly OutboxEntry[] {
    const entries: OutboxEntry[] = [];
    for (const pending of this.#options.state.outbox.entries()) {
      if (entries.length >= limit) break;
      if (!pending.durable || pending.version <= after) continue;
      const entry = this.#entry(pending);
      if (entry) entries.push(entry);
    }
    return entries;
  }

  /** The durable entry of one item, at the cost of a lookup; undefined when none of its changes waits. */
  entryOf(key: ItemKey): OutboxEntry | undefined {
    const pending = this.#options.state.outbox.get(key);
    return pending?.durable ? this.#entry(pending) : undefined;
  }

  /** True when a change of this item waits, be it on disk yet or not. */
  waitsFor(key: ItemKey): boolean {
    return this.#options.state.outbox.get(key) !== undefined;
  }

  /**
   * Takes entries out. One whose item changed again since `version` stays. On disk a bounded time later: after a crash
   * an entry may come back, and sending it again is harmless. Returns how many were taken out.
   */
  acknowledge(entries: readonly Acknowledged[]): number {
    const { state, commit } = this.#options;
    const versions = entries
      .filter(({ key, version }) => state.outbox.byVersion(version)?.sk === key)
      .map(({ version }) => version);
    if (versions.length > 0) void commit([{ op: 'acknowledge', versions }], 'lazy');
    return versions.length;
  }

  /**
   * Puts every item of the models that sync up in: the whole database goes up after the first provisioning. Resolves with
   * their number when that is durable.
   */
  async enqueueAll(): Promise<number> {
    const { schema, state, commit } = this.#options;
    const operations = state.items
      .all()
      .filter(({ model }) => schema.models.get(model)?.syncsUp)
      .map(({ pk, sk, model }): Operation => {
        return { op: 'queue', seq: state.nextSeq(), key: { pk, sk }, model, cmd: 'upsert' };
      });
    if (operations.length > 0) await commit(operations, 'each');
    return operations.length;
  }

  /** Called when entries came in, once they are durable. Returns the function that ends it. */
  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** For the database, after a commit. */
  notify(): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        this.#options.onListenerError(error);
      }
    }
  }

  #entry(pending: Pending): OutboxEntry | undefined {
    const { sk, model, cmd, version, removal } = pending;
    const { schema, state } = this.#options;
    if (removal)
      return Object.freeze({ key: sk, model, cmd, version, item: wireItem(removal, sk, undefined) });
    const attributes = state.items.get(pending)?.attributes;
    const item = attributes && wireItem(attributes, sk, schema.models.get(model));
    return item && Object.freeze({ key: sk, model, cmd, version, item });
  }
}
