import { fail } from '../errors.ts';
import type { Change } from '../feed/change.ts';
import type { Unit } from '../journal/committer.ts';
import { encodeOperation, type Operation } from '../journal/operation.ts';
import type { Durability } from '../schema/definition.ts';
import type { State, Undo } from '../state.ts';
import type { Plan } from './plan.ts';

export interface WriterOptions {
  state: State;
  maxItemSize: number;
  /** False for models that live in memory only. */
  isKept(model: string): boolean;
  append(unit: Unit): void;
  /** Told once it is durable, or at once where it may be lazy. */
  changed(change: Change): void;
  /** New outbox entries are on disk. */
  enqueued(): void;
}

/** Carries plans out: in memory at once, on disk as its durability asks. */
export class Writer {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /**
   * Applies a plan whole. What follows sees it at once; the promise resolves when it is as durable as asked.
   *
   * @throws ITEM_TOO_LARGE before anything is done; DATABASE_WRITE_FAILED after it was taken back.
   */
  write({ operations, changes }: Plan, durability: Durability): Promise<void> {
    const encoded = this.#encode(operations);
    const apply = (durable: boolean) =>
      operations.map((operation) => this.#options.state.apply(operation, durable));
    const undos = apply(durability === 'mem');
    const told = durability === 'each' ? [] : changes;
    for (const change of told) this.#options.changed(change);
    if (durability === 'mem') {
      this.#settled(operations);
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      this.#options.append(
        new Write(encoded, undos, {
          lazy: durability === 'lazy',
          apply: () => apply(false),
          done: (error) => {
            if (error !== undefined) return reject(error);
            this.#settled(operations);
            if (durability === 'each') for (const change of changes) this.#options.changed(change);
            resolve();
          },
        }),
      );
      if (durability === 'lazy') resolve();
    });
  }

  #encode(operations: readonly Operation[]): string {
    const rows: string[] = [];
    for (const operation of operations) {
      const row = encodeOperation(operation);
      if (operation.op === 'put') this.#checkSize(operation.record.model, row);
      if (this.#isJournalled(operation)) rows.push(row);
    }
    return rows.join(',');
  }

  /** Removals and acknowledgements do no harm to a state that never had what they take away. */
  #isJournalled(operation: Operation): boolean {
    if (operation.op === 'put') return this.#options.isKept(operation.record.model);
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

  #settled(operations: readonly Operation[]): void {
    let enqueued = false;
    for (const operation of operations) {
      if (operation.op === 'acknowledge' || operation.op === 'context') continue;
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
