import { fail } from '../errors.ts';
import type { Change } from '../feed/change.ts';
import { sizeOf } from '../items/extent.ts';
import type { Unit } from '../journal/committer.ts';
import { encodeOperation, type Operation } from '../journal/operation.ts';
import type { Durability } from '../schema/definition.ts';
import type { State, Undo } from '../state.ts';
import type { Plan } from './plan.ts';

export interface WriterOptions {
  state: State;
  maxItemSize: number;
  /** Largest size of all items together. */
  maxSize: number;
  /** False for models that live in memory only. */
  isKept(model: string): boolean;
  append(unit: Unit): void;
  /** Told once it is durable, or at once where it may be lazy. */
  changed(change: Change): void;
  /** New outbox entries are on disk. */
  enqueued(): void;
}

/** What was done in memory and is not committed yet. */
export interface Staged extends Plan {
  readonly encoded: string;
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
   * Applies a plan whole. What follows sees it at once; the promise resolves when it is as durable as asked.
   *
   * @throws ITEM_TOO_LARGE before anything is done; DATABASE_WRITE_FAILED after it was taken back.
   */
  write(plan: Plan, durability: Durability): Promise<void> {
    return this.commit(this.stage(plan), durability);
  }

  /**
   * Applies a plan in memory; `commit` or `unstage` must follow in the same turn of the loop.
   *
   * @throws ITEM_TOO_LARGE, DATABASE_FULL before anything is done.
   */
  stage({ operations, changes }: Plan): Staged {
    const encoded = this.#encode(operations);
    this.#checkRoom(operations);
    return { operations, changes, encoded, undos: this.#apply(operations) };
  }

  unstage({ undos }: Staged): void {
    for (const undo of undos.toReversed()) undo();
  }

  commit({ operations, changes, encoded, undos }: Staged, durability: Durability): Promise<void> {
    if (durability !== 'each') this.#tell(changes);
    if (durability === 'mem') {
      this.#settled(operations);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.#options.append(
        new Write(encoded, undos, {
          lazy: durability === 'lazy',
          apply: () => this.#apply(operations),
          done: (error) => {
            if (error !== undefined) return reject(error);
            this.#settled(operations);
            if (durability === 'each') this.#tell(changes);
            resolve();
          },
        }),
      );
      if (durability === 'lazy') resolve();
    });
  }

  #apply(operations: readonly Operation[]): Undo[] {
    const { state } = this.#options;
    return operations.map((operation) => state.apply(operation, false));
  }

  #tell(changes: readonly Change[]): void {
    for (const change of changes) this.#options.changed(change);
  }

  #encode(operations: readonly Operation[]): string {
    let rows = '';
    for (const operation of operations) {
      const row = encodeOperation(operation);
      if (operation.op === 'put') this.#checkSize(operation.record.model, row);
      if (this.#isJournalled(operation)) rows += rows === '' ? row : `,${row}`;
    }
    return rows;
  }

  /** Removals and acknowledgements do no harm to a state that never had what they take away. */
  #isJournalled(operation: Operation): boolean {
    if (operation.op === 'put') return this.#options.isKept(operation.record.model);
    if (operation.op === 'tombstone') return this.#options.isKept(operation.tombstone.model);
    return operation.op !== 'queue' || this.#options.isKept(operation.model);
  }

  #checkSize(model: string, row: string): void {
    const { maxItemSize } = this.#options;
    if (row.length * 3 <= maxItemSize || Buffer.byteLength(row) <= maxItemSize) return;
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

  #settled(operations: readonly Operation[]): void {
    let enqueued = false;
    for (const operation of operations) {
      if (!('seq' in operation)) continue;
      if (operation.op !== 'queue') this.#changes += 1;
      const entry = this.#options.state.outbox.byVersion(operation.seq);
      if (!entry) continue;
      entry.durable = true;
      enqueued = true;
    }
    if (enqueued) this.#options.enqueued();
  }
}

interface WriteFacts {
  lazy: boolean;
  apply(): readonly Undo[];
  done(error?: unknown): void;
}

class Write implements Unit {
  readonly encoded: string;
  readonly lazy: boolean;
  #undos: readonly Undo[];
  readonly #facts: WriteFacts;

  constructor(encoded: string, undos: readonly Undo[], facts: WriteFacts) {
    this.encoded = encoded;
    this.lazy = facts.lazy;
    this.#undos = undos;
    this.#facts = facts;
  }

  undo(): void {
    for (const undo of this.#undos.toReversed()) undo();
  }

  redo(): void {
    this.#undos = this.#facts.apply();
  }

  settle(error?: unknown): void {
    this.#facts.done(error);
  }
}
