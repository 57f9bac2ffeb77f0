import type { ChangeCommand } from '@ioto/protocol';
import { Displaced } from './feed/displaced.ts';
import { OutboxTable, type Pending } from './feed/outbox-table.ts';
import { IndexSet } from './index/index-set.ts';
import { UniqueValues } from './index/unique-values.ts';
import { ExpiryQueue } from './items/expiry-queue.ts';
import { Extent } from './items/extent.ts';
import { ItemTable } from './items/item-table.ts';
import { KeptItems } from './items/kept-items.ts';
import type { ItemRecord } from './items/record.ts';
import { timeOf } from './items/version.ts';
import type { Operation, Removal } from './journal/operation.ts';
import type { Schema } from './schema/compile.ts';
import type { Context, ItemKey } from './schema/definition.ts';
import { type Tombstone, TombstoneTable } from './tombstones/tombstone-table.ts';

/** Takes back what one operation did. */
export type Undo = () => void;

/**
 * All that a database knows, in memory. What is read back after a crash is what was there before: `replay` does what
 * `apply` did, but does not remember how to take it back.
 */
export class State {
  readonly items = new ItemTable();
  readonly outbox: OutboxTable;
  readonly displaced = new Displaced();
  readonly kept: KeptItems;
  readonly tombstones: TombstoneTable;
  readonly indexes: IndexSet;
  readonly unique: UniqueValues;
  readonly expiry: ExpiryQueue;
  readonly extent: Extent;
  #lost: Readonly<Record<string, number>> = {};
  #context: Context = {};
  #seq = 0;
  #savedSeq = 0;

  /** @param tombstoneAge Milliseconds for which removals are remembered. */
  constructor(schema: Schema, tombstoneAge: number) {
    this.outbox = new OutboxTable(schema);
    this.kept = new KeptItems(schema, this.items, this.outbox);
    this.tombstones = new TombstoneTable(tombstoneAge);
    this.indexes = new IndexSet(this.items, schema);
    this.unique = new UniqueValues(schema);
    this.expiry = new ExpiryQueue(schema);
    this.extent = new Extent(this.items);
    // Indexes and extent follow from when they are first asked for; most schemas have no use for the others.
    const models = [...schema.models.values()];
    if (models.some(({ unique }) => unique.length > 0)) this.items.follow(this.unique);
    if (models.some(({ ttl }) => ttl)) this.items.follow(this.expiry);
  }

  get context(): Context {
    return this.#context;
  }

  /** Changes by model that were given up before the cloud had them. */
  get lost(): Readonly<Record<string, number>> {
    return this.#lost;
  }

  get figures() {
    const { items, extent, outbox, lost } = this;
    return { items: items.size, size: extent.size, outbox: outbox.size, lost };
  }

  /** The number of the latest change. */
  get seq(): number {
    return this.#seq;
  }

  /** The same of those on disk: after a power cut numbers beyond it are given out again. */
  get savedSeq(): number {
    return this.#savedSeq;
  }

  /** A change of this number is on disk. */
  saved(seq: number): void {
    this.#savedSeq = Math.max(this.#savedSeq, seq);
  }

  nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }

  /** A number that a file says was given out: it is not given out again. */
  reachSeq(seq: number): void {
    this.#seq = Math.max(this.#seq, seq);
  }

  /** Applies what was read from a file. `loaded` must follow when all is read. */
  replay(operation: Operation): void {
    if (operation.op !== 'put') {
      this.apply(operation, true);
      return;
    }
    const { seq, record, outbox } = operation;
    this.reachSeq(seq);
    this.items.load(record);
    this.tombstones.remove(record);
    if (outbox) this.outbox.put(pendingPut({ seq, record, outbox }, true));
    else this.outbox.remove(record);
  }

  loaded(): void {
    this.items.loaded();
  }

  /** `durable` is false for a change that is not on disk yet: its outbox entry is not shown before. */
  apply(operation: Operation, durable: boolean): Undo {
    switch (operation.op) {
      case 'put':
        this.reachSeq(operation.seq);
        return this.#put(operation, durable);
      case 'remove':
        this.reachSeq(operation.seq);
        return this.#remove(operation, durable);
      case 'queue': {
        const { seq, key, model, cmd, removal } = operation;
        this.reachSeq(seq);
        return this.#enqueue({ ...key, model, cmd, version: seq, removal, durable, sent: durable });
      }
      case 'acknowledge':
        return this.#acknowledge(operation.versions);
      case 'lose':
        return this.#lose(operation, durable);
      case 'lost':
        return this.#setLost(operation.counts);
      case 'tombstone': {
        const { tombstone } = operation;
        const previous = this.tombstones.put(tombstone);
        return () => void (previous ? this.tombstones.put(previous) : this.tombstones.remove(tombstone));
      }
      case 'forget':
        return this.tombstones.clear();
      case 'context': {
        const before = this.#context;
        this.#context = Object.freeze({ ...operation.context });
        return () => {
          this.#context = before;
        };
      }
    }
  }

  /** The operations that make this state, as it is at the call, out of nothing. */
  capture(isKept: (model: string) => boolean): Iterable<Operation> {
    // Records and entries never change, so copying the lists is enough; turning them into operations can wait.
    return captured({
      context: this.#context,
      lost: this.#lost,
      records: this.items.all(),
      entries: [...this.outbox.entries()],
      tombstones: this.tombstones.values(),
      isKept,
    });
  }

  #put({ seq, record, outbox, base }: Extract<Operation, { op: 'put' }>, durable: boolean): Undo {
    const previous = this.items.put(record);
    const { model } = record;
    const tombstone = this.tombstones.remove(record);
    const entry = outbox && pendingPut({ seq, record, outbox }, durable);
    const waited = entry ? this.outbox.put(entry) : this.outbox.remove(record);
    if (entry && waited) inherit(entry, waited);
    else if (entry) know(entry, previous, tombstone);
    if (waited && !durable) this.displaced.replaced(waited.version, seq);
    if (entry && base !== undefined) {
      entry.isKnown = true;
      entry.base = base;
    }
    this.kept.check(record, model);
    return () => {
      this.displaced.settled(seq);
      // A later change of a model in memory is not in the row of those that are taken back: it stays.
      if (this.items.get(record) !== record) return;
      if (previous) this.items.put(previous);
      else this.items.remove(record);
      if (tombstone) this.tombstones.put(tombstone);
      if (outbox || waited) this.outbox.restore(record, waited);
      this.kept.check(record, model);
    };
  }

  #remove({ seq, key, removal }: Extract<Operation, { op: 'remove' }>, durable: boolean): Undo {
    const previous = this.items.remove(key);
    const undoOutbox = removal
      ? this.#enqueue(pendingRemoval(seq, key, removal, durable), previous)
      : this.#dequeue({ seq, key }, previous?.model, durable);
    return () => {
      this.displaced.settled(seq);
      if (this.items.get(key)) return;
      if (previous) this.items.put(previous);
      undoOutbox();
    };
  }

  /** @param record The item that is removed. */
  #enqueue(entry: Pending, record?: ItemRecord): Undo {
    const previous = this.outbox.put(entry);
    if (previous) inherit(entry, previous);
    else if (record) know(entry, record);
    if (previous && !entry.durable) this.displaced.replaced(previous.version, entry.version);
    this.kept.check(entry, entry.model);
    return () => {
      this.displaced.settled(entry.version);
      this.outbox.restore(entry, previous);
      this.kept.check(entry, entry.model);
    };
  }

  #dequeue({ seq, key }: { seq: number; key: ItemKey }, model: string | undefined, durable: boolean): Undo {
    const previous = this.outbox.remove(key);
    if (previous && !durable) this.displaced.replaced(previous.version, seq);
    this.kept.check(key, model);
    return () => {
      if (previous) this.outbox.restore(key, previous);
      this.kept.check(key, model);
    };
  }

  #take(versions: readonly number[]): { taken: readonly Pending[]; undo: Undo } {
    const taken = versions.flatMap((version) => this.outbox.byVersion(version) ?? []);
    for (const entry of taken) {
      this.outbox.remove(entry);
      this.kept.check(entry, entry.model);
    }
    const undo = () => {
      for (const entry of taken) {
        this.outbox.restore(entry, entry);
        this.kept.check(entry, entry.model);
      }
    };
    return { taken, undo };
  }

  /** From now on these items, and removals, are known to be as the cloud has them; that is so, be it taken back here. */
  #acknowledge(versions: readonly number[]): Undo {
    const { taken, undo } = this.#take(versions);
    for (const entry of taken) {
      const held = entry.removal ? this.tombstones.get(entry) : this.items.get(entry);
      if (held) held.isKnown = true;
    }
    return undo;
  }

  /**
   * Counts only what did wait, so that one that is read twice counts once. Only a salvage that finds journals from before a
   * damaged snapshot may count too much: what the snapshot has counted they let wait and lose again.
   */
  #lose({ model, versions }: Extract<Operation, { op: 'lose' }>, durable: boolean): Undo {
    const { taken, undo } = this.#take(versions);
    if (!durable) for (const { version } of taken) this.displaced.givenUp(version);
    const count = (this.#lost[model] ?? 0) + taken.length;
    const uncount = this.#setLost({ ...this.#lost, [model]: count });
    return () => {
      for (const { version } of taken) this.displaced.settledLoss(version);
      uncount();
      undo();
    };
  }

  #setLost(counts: Readonly<Record<string, number>>): Undo {
    const before = this.#lost;
    this.#lost = Object.freeze({ ...counts });
    return () => {
      this.#lost = before;
    };
  }
}

function pendingPut(
  { seq, record, outbox }: { seq: number; record: ItemRecord; outbox: ChangeCommand },
  durable: boolean,
): Pending {
  const { pk, sk, model } = record;
  return {
    pk,
    sk,
    model,
    cmd: outbox,
    version: seq,
    removal: undefined,
    isKnown: false,
    base: undefined,
    durable,
    sent: durable,
  };
}

function pendingRemoval(
  seq: number,
  key: ItemKey,
  { model, attributes }: Removal,
  durable: boolean,
): Pending {
  return { ...key, model, cmd: 'remove', version: seq, removal: attributes, durable, sent: durable };
}

/** Of an earlier change that waits the cloud may have heard, but it has not said that it has it. */
function inherit(entry: Pending, earlier: Pending): void {
  if (earlier.sent) entry.sent = true;
  entry.isKnown = earlier.isKnown;
  entry.base = earlier.base;
}

/**
 * What is known of the cloud's version when an item begins to wait: where there was none here, none; else the version that
 * it was here, if that is the cloud's. It may not be: it was given up, or its model did not sync then.
 */
function know(entry: Pending, previous: ItemRecord | undefined, tombstone?: Tombstone): void {
  entry.isKnown = previous?.isKnown ?? false;
  const held = previous ?? tombstone;
  if (!held) entry.base = '';
  else if (held.isKnown)
    entry.base = (previous ? timeOf(previous.attributes.updated) : tombstone?.updated) ?? '';
}

interface Captured {
  readonly context: Context;
  readonly lost: Readonly<Record<string, number>>;
  readonly records: readonly ItemRecord[];
  readonly entries: readonly Pending[];
  readonly tombstones: readonly Tombstone[];
  isKept(model: string): boolean;
}

function* captured({
  context,
  lost,
  records,
  entries,
  tombstones,
  isKept,
}: Captured): Generator<Operation, void> {
  yield { op: 'context', context };
  if (Object.keys(lost).length > 0) yield { op: 'lost', counts: lost };
  for (const record of records) {
    if (isKept(record.model)) yield { op: 'put', seq: 0, record };
  }
  for (const { pk, sk, model, cmd, version, removal } of entries) {
    if (isKept(model)) yield { op: 'queue', seq: version, key: { pk, sk }, model, cmd, removal };
  }
  for (const tombstone of tombstones) {
    if (isKept(tombstone.model)) yield { op: 'tombstone', tombstone };
  }
}
