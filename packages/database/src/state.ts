import { OutboxTable, type Pending } from './feed/outbox-table.ts';
import { IndexSet } from './index/index-set.ts';
import { UniqueValues } from './index/unique-values.ts';
import { ExpiryQueue } from './items/expiry-queue.ts';
import { Extent } from './items/extent.ts';
import { ItemTable } from './items/item-table.ts';
import type { ItemRecord } from './items/record.ts';
import type { Operation } from './journal/operation.ts';
import type { Schema } from './schema/compile.ts';
import type { Context, ItemKey } from './schema/definition.ts';
import { type Tombstone, TombstoneTable } from './tombstones/tombstone-table.ts';

/** Takes back what one operation did. */
export type Undo = () => void;

/**
 * All that a database knows, in memory. Live changes and the replay of a journal go through the same `apply`, so that
 * what is read back after a crash is what was there before.
 */
export class State {
  readonly items = new ItemTable();
  readonly outbox = new OutboxTable();
  readonly tombstones: TombstoneTable;
  readonly indexes: IndexSet;
  readonly unique: UniqueValues;
  readonly expiry: ExpiryQueue;
  readonly extent: Extent;
  #context: Context = {};
  #seq = 0;

  /** @param tombstoneAge Milliseconds for which removals are remembered. */
  constructor(schema: Schema, tombstoneAge: number) {
    this.tombstones = new TombstoneTable(tombstoneAge);
    this.indexes = new IndexSet(this.items, schema);
    this.unique = new UniqueValues(schema);
    this.expiry = new ExpiryQueue(schema);
    this.extent = new Extent();
    for (const follower of [this.indexes, this.unique, this.expiry, this.extent]) this.items.follow(follower);
  }

  get context(): Context {
    return this.#context;
  }

  get figures() {
    return { items: this.items.size, size: this.extent.size, outbox: this.outbox.size };
  }

  /** The number of the latest change. */
  get seq(): number {
    return this.#seq;
  }

  nextSeq(): number {
    this.#seq += 1;
    return this.#seq;
  }

  /** A number that a file says was given out: it is not given out again. */
  reachSeq(seq: number): void {
    this.#seq = Math.max(this.#seq, seq);
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
        return this.#enqueue({ ...key, model, cmd, version: seq, removal, durable });
      }
      case 'acknowledge':
        return this.#acknowledge(operation.versions);
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
      records: this.items.all(),
      entries: [...this.outbox.entries()],
      tombstones: this.tombstones.values(),
      isKept,
    });
  }

  #put({ seq, record, outbox }: Extract<Operation, { op: 'put' }>, durable: boolean): Undo {
    const previous = this.items.put(record);
    const { pk, sk, model } = record;
    const tombstone = this.tombstones.remove(record);
    const undoOutbox = outbox
      ? this.#enqueue({ pk, sk, model, cmd: outbox, version: seq, durable })
      : this.#dequeue(record);
    return () => {
      if (previous) this.items.put(previous);
      else this.items.remove(record);
      if (tombstone) this.tombstones.put(tombstone);
      undoOutbox();
    };
  }

  #remove({ seq, key, removal }: Extract<Operation, { op: 'remove' }>, durable: boolean): Undo {
    const previous = this.items.remove(key);
    const undoOutbox = removal
      ? this.#enqueue({
          ...key,
          model: removal.model,
          cmd: 'remove',
          version: seq,
          removal: removal.attributes,
          durable,
        })
      : this.#dequeue(key);
    return () => {
      if (previous) this.items.put(previous);
      undoOutbox();
    };
  }

  #enqueue(entry: Pending): Undo {
    const previous = this.outbox.put(entry);
    return () => this.outbox.restore(entry, previous);
  }

  #dequeue(key: ItemKey): Undo {
    const previous = this.outbox.remove(key);
    return previous ? () => this.outbox.restore(key, previous) : () => undefined;
  }

  #acknowledge(versions: readonly number[]): Undo {
    const taken = versions.flatMap((version) => this.outbox.byVersion(version) ?? []);
    for (const entry of taken) this.outbox.remove(entry);
    return () => {
      for (const entry of taken) this.outbox.restore(entry, entry);
    };
  }
}

interface Captured {
  readonly context: Context;
  readonly records: readonly ItemRecord[];
  readonly entries: readonly Pending[];
  readonly tombstones: readonly Tombstone[];
  isKept(model: string): boolean;
}

function* captured({ context, records, entries, tombstones, isKept }: Captured): Generator<Operation, void> {
  yield { op: 'context', context };
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
