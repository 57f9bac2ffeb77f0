import { fail } from '../errors.ts';
import type { Change } from '../feed/change.ts';
import type { Loss } from '../feed/outbox.ts';
import type { PlannedChange } from '../feed/planned-change.ts';
import { sizeOf } from '../items/extent.ts';
import type { Item } from '../items/item.ts';
import type { Unit } from '../journal/committer.ts';
import { type Operation, sizeOfOperation, toRow } from '../journal/operation.ts';
import type { Durability } from '../schema/definition.ts';
import type { State, Undo } from '../state.ts';
import { strongest } from './durability.ts';
import type { Plan } from './plan.ts';

/** Bytes that a character of an item comes to in JSON at most. */
const MOST_BYTES = 6;
/** Bytes of a row of the journal beside its item, and to spare. */
const ROW_BYTES = 128;

export interface WriterOptions {
  state: State;
  maxItemSize: number;
  /** Largest size of all items together. */
  maxSize: number;
  /** False for models that live in memory only. */
  isKept(model: string): boolean;
  /** The plan with what must be given up for it. @throws QUEUE_FULL unless `refuse` is false. */
  admit(plan: Plan, refuse: boolean): Plan;
  append(unit: Unit): void;
  /** False as long as nobody wants to be told of changes. */
  isHeard(): boolean;
  /** Told once it is durable, or at once where it may be lazy. */
  changed(change: Change): void;
  /** New outbox entries are on disk. */
  enqueued(): void;
  /** Changes were given up before the cloud had them, durably. */
  lost(loss: Loss): void;
}

/** What of a write's options says which limits it may exceed. */
export interface RoomOptions {
  /** All of them. */
  readonly exempt?: boolean;
  /** Those of the queue: a change from elsewhere that goes up again. */
  readonly waits?: boolean;
}

/** What was done in memory and is not committed yet. */
export interface Staged extends Plan {
  /** About how many characters it takes in a journal. */
  readonly size: number;
  readonly undos: readonly Undo[];
}

/** Carries plans out: in memory at once, on disk as its durability asks. */
export class Writer {
  readonly #options: WriterOptions;
  #changes = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Items written and removed, as durably as they were to be. */
  get changes(): number {
    return this.#changes;
  }

  /**
   * Applies a plan whole. What follows sees it at once; the promise resolves when it is as durable as asked, with the item
   * of its first change.
   *
   * @throws ITEM_TOO_LARGE before anything is done. Rejects with DATABASE_WRITE_FAILED after it was taken back.
   */
  write(plan: Plan, durability: Durability, room?: RoomOptions): Promise<Item | undefined> {
    return this.commit(this.stage(plan, room), durability);
  }

  /**
   * Applies a plan in memory; `commit` or `unstage` must follow in the same turn of the loop.
   *
   * @throws ITEM_TOO_LARGE, and where `room` does not exempt it DATABASE_FULL, QUEUE_FULL, before anything is done.
   */
  stage(plan: Plan, { exempt = false, waits = false }: RoomOptions = {}): Staged {
    const { operations, changes, durability } = this.#options.admit(plan, !exempt && !waits);
    const size = this.#measure(operations);
    if (!exempt) this.#checkRoom(operations);
    return { operations, changes, durability, size, undos: this.#apply(operations) };
  }

  unstage({ undos }: Staged): void {
    for (const undo of undos.toReversed()) undo();
  }

  commit(staged: Staged, asked: Durability): Promise<Item | undefined> {
    const { operations, changes } = staged;
    const durability = staged.durability ? strongest(asked, staged.durability) : asked;
    if (durability !== 'each') this.#tell(changes);
    if (durability === 'mem') {
      this.#settled(operations);
      return Promise.resolve(changes[0]?.item);
    }
    return new Promise((resolve, reject) => {
      const journalled = this.#journalled(operations);
      this.#options.append(new Write(this, { staged, journalled, durability, resolve, reject }));
      if (durability === 'lazy') resolve(changes[0]?.item);
    });
  }

  /** For a write that was taken back, and is to count again. */
  redo({ operations }: Staged): readonly Undo[] {
    return this.#apply(operations);
  }

  /** For a write that is on disk. */
  written({ operations, changes }: Staged, durability: Durability): void {
    this.#saved(operations);
    this.#settled(operations);
    if (durability === 'each') this.#tell(changes);
  }

  #apply(operations: readonly Operation[]): Undo[] {
    const { state } = this.#options;
    return operations.map((operation) => state.apply(operation, false));
  }

  #tell(changes: readonly PlannedChange[]): void {
    const { isHeard, changed } = this.#options;
    if (isHeard()) for (const { change } of changes) changed(change);
  }

  #measure(operations: readonly Operation[]): number {
    let size = 0;
    for (const operation of operations) {
      const own = sizeOfOperation(operation);
      if (operation.op === 'put') this.#checkSize(operation, own);
      size += own;
    }
    return size;
  }

  #journalled(operations: readonly Operation[]): readonly Operation[] {
    const isJournalled = (operation: Operation) => this.#isJournalled(operation);
    return operations.every(isJournalled) ? operations : operations.filter(isJournalled);
  }

  /** Removals and acknowledgements do no harm to a state that never had what they take away. */
  #isJournalled(operation: Operation): boolean {
    if (operation.op === 'put') return this.#options.isKept(operation.record.model);
    if (operation.op === 'tombstone') return this.#options.isKept(operation.tombstone.model);
    return (operation.op !== 'queue' && operation.op !== 'lose') || this.#options.isKept(operation.model);
  }

  /** @param size About, in characters: the exact one is only asked for where it could be too large. */
  #checkSize(operation: Extract<Operation, { op: 'put' }>, size: number): void {
    const { maxItemSize } = this.#options;
    if (size * MOST_BYTES + ROW_BYTES <= maxItemSize) return;
    if (Buffer.byteLength(JSON.stringify(toRow(operation))) <= maxItemSize) return;
    const { model } = operation.record;
    throw fail(
      'ITEM_TOO_LARGE',
      `this ${model} is larger than the limit of ${maxItemSize} bytes for an item`,
      {
        details: { model, limit: maxItemSize },
      },
    );
  }

  /** Whatever makes the database no larger is always allowed, so that there is a way out of a full one. */
  #checkRoom(operations: readonly Operation[]): void {
    const { state, maxSize } = this.#options;
    if (maxSize === Number.POSITIVE_INFINITY) return;
    let growth = 0;
    for (const operation of operations) {
      if (operation.op === 'put') growth += sizeOf(operation.record);
      if (operation.op !== 'put' && operation.op !== 'remove') continue;
      const before = state.items.get(operation.op === 'put' ? operation.record : operation.key);
      if (before) growth -= sizeOf(before);
    }
    if (growth <= 0 || state.extent.size + growth <= maxSize) return;
    throw fail(
      'DATABASE_FULL',
      `the database is full: its items have ${state.extent.size} of ${maxSize} bytes. Remove some first, or raise the limit`,
      { details: { size: state.extent.size, limit: maxSize } },
    );
  }

  #saved(operations: readonly Operation[]): void {
    for (const operation of operations) {
      if ('seq' in operation && this.#isJournalled(operation)) this.#options.state.saved(operation.seq);
    }
  }

  #settled(operations: readonly Operation[]): void {
    const { outbox, displaced } = this.#options.state;
    let enqueued = false;
    for (const operation of operations) {
      if (operation.op === 'lose') {
        const { model, versions, reason } = operation;
        for (const version of versions) displaced.settledLoss(version);
        this.#options.lost({ model, count: versions.length, reason });
      }
      if (!('seq' in operation)) continue;
      if (operation.op !== 'queue') this.#changes += 1;
      displaced.settled(operation.seq);
      const entry = outbox.byVersion(operation.seq);
      if (!entry) continue;
      entry.durable = true;
      enqueued = true;
    }
    if (enqueued) this.#options.enqueued();
  }
}

interface WriteFacts {
  readonly staged: Staged;
  readonly journalled: readonly Operation[];
  readonly durability: Durability;
  resolve(item: Item | undefined): void;
  reject(error: unknown): void;
}

class Write implements Unit {
  readonly #writer: Writer;
  readonly #facts: WriteFacts;
  #undos: readonly Undo[];

  constructor(writer: Writer, facts: WriteFacts) {
    this.#writer = writer;
    this.#facts = facts;
    this.#undos = facts.staged.undos;
  }

  get operations(): readonly Operation[] {
    return this.#facts.journalled;
  }

  get size(): number {
    return this.#facts.staged.size;
  }

  get lazy(): boolean {
    return this.#facts.durability === 'lazy';
  }

  undo(): void {
    for (const undo of this.#undos.toReversed()) undo();
  }

  redo(): void {
    this.#undos = this.#writer.redo(this.#facts.staged);
  }

  settle(error?: unknown): void {
    const { staged, durability, resolve, reject } = this.#facts;
    if (error !== undefined) {
      reject(error);
      return;
    }
    this.#writer.written(staged, durability);
    resolve(staged.changes[0]?.item);
  }
}
