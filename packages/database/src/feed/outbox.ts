import type { ChangeCommand, WireItem } from '@ioto/protocol';
import { wireItem } from '../items/visible.ts';
import type { LossReason, Operation } from '../journal/operation.ts';
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
  /** The cloud has acknowledged or sent an earlier version of the item; false where that is not known. */
  readonly isKnown: boolean;
  /** `updated` of the cloud's version that the change was made from, ISO, '' for none; undefined where nobody knows. */
  readonly base?: string;
}

/** What an acknowledgement needs to say: the entry as it was sent. */
export type Acknowledged = Pick<OutboxEntry, 'key' | 'version'>;

/** A change that waits, before it is made ready for the wire. */
export type Waiting = ItemKey & Pick<OutboxEntry, 'model' | 'version'>;

export interface PendingOptions {
  /** True for what is not wanted, as what is under way: asked before the entry is made, of the first ones only. */
  skip?(entry: Waiting): boolean;
}

/** Changes that were given up before the cloud had them. */
export interface Loss {
  readonly model: string;
  readonly count: number;
  readonly reason: LossReason;
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
  readonly #lossListeners = new Set<(loss: Loss) => void>();
  /** How many were said to be sent: what every tenth is counted by. */
  #served = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Items that wait, those whose commit is under way included. */
  get size(): number {
    return this.#options.state.outbox.size;
  }

  /** The latest version that is on disk, and with it all that the outbox was told up to it. */
  get latest(): number {
    return this.#options.state.savedSeq;
  }

  /**
   * The version up to which the cloud has everything once it has those of `underWay`: of each item the latest change of a
   * version up to that, unless a later one has taken its place, which then waits. Never beyond what is on disk: after a
   * power cut later versions are given out again, and those wait again whose successors were lost. Costs what is under way,
   * and what is not on disk yet.
   */
  throughWith(underWay: ReadonlySet<number>): number {
    const { outbox, displaced } = this.#options.state;
    const next = outbox.oldestBut(underWay)?.version ?? Number.POSITIVE_INFINITY;
    return Math.min(this.latest, next - 1, displaced.lowestBut(underWay) - 1);
  }

  /**
   * Durable entries in the order in which they are to go up, at most `limit`: by the priority of their models, then by
   * version, and every tenth is the oldest of all, whatever its priority. Costs no more than those and what is skipped.
   */
  pending(limit: number, options: PendingOptions = {}): readonly OutboxEntry[] {
    return [...this.each(limit, options)];
  }

  /** As `pending`, each made when its turn comes: for whoever may have enough before. Nothing may change meanwhile. */
  *each(limit: number, { skip }: PendingOptions = {}): Generator<OutboxEntry, void> {
    if (limit <= 0) return;
    const isReady = (pending: Pending) => pending.durable && !skip?.(pending);
    let count = 0;
    for (const pending of this.#options.state.outbox.inOrder(this.#served, isReady)) {
      const entry = this.#entry(pending);
      if (!entry) continue;
      yield entry;
      count += 1;
      if (count >= limit) return;
    }
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

  /** How many changes of each model were given up before the cloud had them, since the present owner has the device. */
  lost(): Readonly<Record<string, number>> {
    return this.#options.state.lost;
  }

  /**
   * To be said before entries are sent: from then on the cloud may have them, so that a removal must go up too. Not kept on
   * disk: after a restart all count as sent.
   */
  markSent(entries: readonly Acknowledged[]): void {
    const { outbox } = this.#options.state;
    for (const { key, version } of entries) {
      const pending = outbox.byVersion(version);
      if (pending?.sk === key) pending.sent = true;
    }
    this.#served += entries.length;
  }

  /** The cloud has an item of this key, sent from here or not: its removal must go up. */
  markKnown(key: ItemKey): void {
    const pending = this.#options.state.outbox.get(key);
    if (pending) pending.sent = true;
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

  /**
   * Puts these items in as they are, or their removals where they are remembered: the cloud does not have them. What waits
   * already is left as it is. Resolves with their number when that is durable.
   */
  async enqueue(keys: readonly ItemKey[]): Promise<number> {
    const { commit } = this.#options;
    const operations = keys.flatMap((key) => (this.waitsFor(key) ? [] : this.#again(key)));
    if (operations.length > 0) await commit(operations, 'each');
    return operations.length;
  }

  #again({ pk, sk }: ItemKey): Operation[] {
    const { schema, state } = this.#options;
    const key = { pk, sk };
    const record = state.items.get(key);
    const tombstone = record ? undefined : state.tombstones.get(key);
    const model = schema.models.get(record?.model ?? tombstone?.model ?? '');
    if (!model?.syncsUp) return [];
    const facts = { op: 'queue', seq: state.nextSeq(), key, model: model.name } as const;
    if (record) return [{ ...facts, cmd: 'upsert' }];
    const named = { ...model.parseKey(key), [schema.typeField]: model.name };
    const removal = Object.freeze({ ...named, updated: tombstone?.updated });
    return [{ ...facts, cmd: 'remove', removal }];
  }

  /** Called when entries came in, once they are durable. Returns the function that ends it. */
  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called when changes were given up, once that is durable. Returns the function that ends it. */
  onLost(listener: (loss: Loss) => void): () => void {
    this.#lossListeners.add(listener);
    return () => this.#lossListeners.delete(listener);
  }

  /** For the database, after a commit. */
  notify(): void {
    for (const listener of [...this.#listeners]) this.#tell(listener);
  }

  /** For the database, after a commit. */
  notifyLost(loss: Loss): void {
    for (const listener of [...this.#lossListeners]) this.#tell(() => listener(loss));
  }

  #tell(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.#options.onListenerError(error);
    }
  }

  #entry(pending: Pending): OutboxEntry | undefined {
    const { sk, model, cmd, version, removal, isKnown = false, base } = pending;
    const { schema, state } = this.#options;
    const facts = { key: sk, model, cmd, version, isKnown, base };
    if (removal) return Object.freeze({ ...facts, item: wireItem(removal, sk, undefined) });
    const attributes = state.items.get(pending)?.attributes;
    const item = attributes && wireItem(attributes, sk, schema.models.get(model));
    return item && Object.freeze({ ...facts, item });
  }
}
