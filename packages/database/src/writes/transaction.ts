import { fail } from '../errors.ts';
import type { Item } from '../items/item.ts';
import type { BatchWrite, CreateOptions, UpdateOptions, WriteOptions } from '../options.ts';
import type { Durability, Properties } from '../schema/definition.ts';
import type { Model } from '../schema/model.ts';
import { strongest } from './durability.ts';
import {
  type Desk,
  type Plan,
  type Planner,
  planCreate,
  planRemove,
  planUpdate,
  planUpsert,
} from './plan.ts';
import type { RoomOptions, Staged, Writer } from './writer.ts';

export interface TransactionOptions {
  readonly writer: Writer;
  desk(): Desk;
  durability(model: Model): Durability;
  /** Throws for a change that a trigger refuses. */
  check(plan: Plan): void;
}

/**
 * Several writes that count together or not at all. Each is seen at once, by the reads of the database too; what throws
 * takes all of them back.
 */
export class Transaction {
  readonly #options: TransactionOptions;
  #staged: Staged[] = [];
  #durability: Durability = 'mem';
  #isOpen = true;

  constructor(options: TransactionOptions) {
    this.#options = options;
  }

  /** @throws ITEM_EXISTS unless `replace` is set. */
  create<T = Item>(model: string, properties: Properties, options: CreateOptions = {}): T {
    return this.#write(model, planCreate, properties, options) as T;
  }

  /** @throws ITEM_MISSING unless `upsert` is set. */
  update<T = Item>(model: string, properties: Properties, options: UpdateOptions = {}): T {
    return this.#write(model, planUpdate, properties, options) as T;
  }

  upsert<T = Item>(model: string, properties: Properties, options: WriteOptions = {}): T {
    return this.#write(model, planUpsert, properties, options) as T;
  }

  /** The item that was removed, or undefined when there was none. */
  remove<T = Item>(model: string, properties: Properties, options: WriteOptions = {}): T | undefined {
    return this.#write(model, planRemove, properties, options) as T | undefined;
  }

  /** One write of a batch. */
  write({ cmd, model, item, ...options }: BatchWrite): Item | undefined {
    return this[cmd](model, item, options);
  }

  /**
   * For the database: runs `work` to its end and commits what it did, or takes all of it back when it throws.
   *
   * @throws TRANSACTION_OVER when `work` is asynchronous.
   */
  async run<T>(work: (transaction: Transaction) => T): Promise<T> {
    let result: T;
    try {
      result = work(this);
      if (result instanceof Promise) throw fail('TRANSACTION_OVER', 'a transaction cannot be asynchronous');
    } catch (error) {
      this.#cancel();
      throw error;
    }
    await this.#commit();
    return result;
  }

  /** Takes everything back. */
  #cancel(): void {
    this.#isOpen = false;
    for (const staged of this.#staged.toReversed()) this.#options.writer.unstage(staged);
    this.#staged = [];
  }

  /** Commits everything as one change, as durable as the model asks that asks for most. */
  #commit(): Promise<unknown> {
    this.#isOpen = false;
    if (this.#staged.length === 0) return Promise.resolve();
    const whole: Staged = {
      operations: this.#staged.flatMap(({ operations }) => operations),
      changes: this.#staged.flatMap(({ changes }) => changes),
      size: this.#staged.reduce((sum, { size }) => sum + size, 0),
      undos: this.#staged.flatMap(({ undos }) => undos),
    };
    return this.#options.writer.commit(whole, this.#durability);
  }

  #write<O extends RoomOptions>(
    name: string,
    plan: Planner<Properties, O>,
    properties: Properties,
    options: O,
  ): Item | undefined {
    if (!this.#isOpen) throw fail('TRANSACTION_OVER', 'this transaction is over: it ends with its function');
    const { desk, writer, durability, check } = this.#options;
    const at = desk();
    const model = at.schema.model(name);
    const decided = plan(at, model, properties, options);
    check(decided);
    this.#durability = strongest(this.#durability, durability(model));
    if (decided.operations.length === 0) return undefined;
    const staged = writer.stage(decided, options);
    this.#staged.push(staged);
    if (staged.durability) this.#durability = strongest(this.#durability, staged.durability);
    return decided.changes[0]?.item;
  }
}
