import { Emitter, messageOf } from '@ioto/runtime';
import { fail } from './errors.ts';
import type { Change, ChangeListener } from './feed/change.ts';
import { Outbox } from './feed/outbox.ts';
import { QueueLimits } from './feed/queue-limits.ts';
import { Triggers } from './feed/triggers.ts';
import { ExpiryWatch } from './items/expiry-watch.ts';
import type { Item, Page } from './items/item.ts';
import type { ItemRecord } from './items/record.ts';
import { Storage } from './journal/storage.ts';
import { storageOptionsOf } from './journal/storage-options.ts';
import type {
  AppliedChange,
  ApplyOptions,
  BatchWrite,
  CreateOptions,
  DatabaseOptions,
  DatabaseStats,
  ExportOptions,
  FindOptions,
  ReadOptions,
  Salvaged,
  UpdateOptions,
  WriteOptions,
} from './options.ts';
import { Reader } from './reads/reader.ts';
import { openOrSalvage, requireFinished } from './salvage/salvage.ts';
import type { Schema } from './schema/compile.ts';
import type { Context, Durability, Properties } from './schema/definition.ts';
import type { Model } from './schema/model.ts';
import { State } from './state.ts';
import { formatItems, parseItems } from './transfer/json5.ts';
import { Desks } from './writes/desks.ts';
import {
  type Plan,
  type Planner,
  planApply,
  planCreate,
  planRemove,
  planSetField,
  planUpdate,
  planUpsert,
} from './writes/plan.ts';
import {
  mergeContext,
  planClearSynced,
  planContext,
  planExpiry,
  planLeave,
  sameContext,
} from './writes/plan-context.ts';
import { Transaction } from './writes/transaction.ts';
import { type RoomOptions, Writer } from './writes/writer.ts';

const DEFAULT_ITEM_SIZE = 400 * 1024;
const DEFAULT_TOMBSTONE_AGE = 90 * 86_400_000;

/**
 * An embedded document database: the items of a schema's models in memory, every change in a journal on disk.
 *
 * A write is seen by reads at once, and its promise resolves when it is as durable as its model asks (`each`: on disk).
 * When it cannot be made durable it is taken back, with all writes that came after it, and their promises reject with
 * DATABASE_WRITE_FAILED. Writes reject, and reads throw, with MODEL_UNKNOWN, KEY_INCOMPLETE, KEY_INVALID, FIELD_INVALID,
 * FIELD_REQUIRED and DATABASE_CLOSED as the case is.
 */
export class Database {
  readonly schema: Schema;
  readonly outbox: Outbox;
  readonly #options: DatabaseOptions;
  readonly #state: State;
  readonly #storage: Storage;
  readonly #writer: Writer;
  readonly #feed: Emitter<{ change: Change }>;
  readonly #triggers = new Triggers();
  /** Of items that expire, and of those that leave the device when the cloud has them. */
  readonly #watches: readonly ExpiryWatch[];
  readonly #desks: Desks;
  readonly #reader: Reader;
  #closing: Promise<void> | undefined;
  #salvaged: Salvaged | undefined;
  #isReadOnly = false;
  /** Items of models that have become `mem` were on disk. */
  #isOutlived = false;

  private constructor(options: DatabaseOptions) {
    const { schema, logger, clock } = options;
    const state = new State(schema, options.tombstoneAge ?? DEFAULT_TOMBSTONE_AGE);
    this.#state = state;
    this.#desks = new Desks(schema, state, clock);
    this.#reader = new Reader({ state, desks: this.#desks, clock });
    const durability = (model: string) => this.#durability(schema.models.get(model));
    const isKept = (model: string) => durability(model) !== 'mem';
    this.schema = schema;
    this.#options = options;
    const onListenerError = (error: unknown) =>
      logger.error({ error: messageOf(error) }, 'a listener of the database failed');
    this.#feed = new Emitter((_event, error) => onListenerError(error));
    this.#storage = new Storage(storageOptionsOf(options), {
      replay: (operation) => {
        if (operation.op === 'put' && !isKept(operation.record.model)) this.#isOutlived = true;
        state.replay(operation);
      },
      capture: () => state.capture(isKept),
      get seq() {
        return state.seq;
      },
    });
    const limits = new QueueLimits({ schema, state, maxQueue: options.maxQueue, durability });
    this.#writer = new Writer({
      state,
      isKept,
      maxItemSize: options.maxItemSize ?? DEFAULT_ITEM_SIZE,
      maxSize: options.maxSize ?? Number.POSITIVE_INFINITY,
      admit: (plan, refuse) => limits.admit(plan, refuse),
      append: (unit) => this.#storage.append(unit),
      isHeard: () => this.#feed.isHeard('change'),
      changed: (change) => this.#feed.emit('change', change),
      enqueued: () => this.outbox.notify(),
      lost: (loss) => this.outbox.notifyLost(loss),
    });
    this.#watches = [
      new ExpiryWatch({ clock, queue: state.expiry, remove: (due) => this.#depart(planExpiry, due) }),
      new ExpiryWatch({ clock, queue: state.kept, remove: (due) => this.#depart(planLeave, due) }),
    ];
    this.outbox = new Outbox({
      schema,
      state,
      onListenerError,
      commit: (operations, durability) => this.#commit({ operations, changes: [] }, durability),
    });
  }

  /**
   * Opens the database, or makes a new one where there is none. A write that a power cut tore is cut off and reported in
   * the log and in `stats.tornTail`.
   *
   * @throws DATABASE_CORRUPT with file and offset when a file is damaged otherwise, nothing being changed, unless `onDamage`
   * asks for a salvage; DATABASE_UNREADABLE when the files cannot be read or made; DATABASE_WRITE_FAILED when another context
   * cannot be saved.
   */
  static async open(options: DatabaseOptions): Promise<Database> {
    const { opened: database, salvaged } = await openOrSalvage(options, async () => {
      const each = new Database(options);
      await each.#read();
      return each;
    });
    database.#salvaged = salvaged;
    try {
      // Nothing would change them there any more, and they would come back old at every start.
      if (database.#isOutlived) await database.compact().catch(() => undefined);
      if (options.context) await database.setContext(options.context);
    } catch (error) {
      await database.close();
      throw error;
    }
    database.#state.kept.load();
    for (const watch of database.#watches) watch.start();
    return database;
  }

  /**
   * The database as its files say, without a change to them, be it the cut of a torn write: for looking at it while no
   * program has it open. Whatever would write rejects with DATABASE_READ_ONLY.
   *
   * @throws DATABASE_CORRUPT, DATABASE_UNREADABLE.
   */
  static async inspect(options: DatabaseOptions): Promise<Database> {
    await requireFinished(options);
    const database = new Database(options);
    database.#isReadOnly = true;
    const seq = await database.#storage.inspect();
    database.#state.loaded();
    database.#state.reachSeq(seq);
    return database;
  }

  /** What every item carries: account and device, as far as they are known. */
  get context(): Context {
    return this.#state.context;
  }

  get stats(): DatabaseStats {
    const { changes } = this.#writer;
    return { ...this.#state.figures, changes, salvaged: this.#salvaged, ...this.#storage.stats };
  }

  /** How durable the items of a model are: as its schema says, else as the database's options do. @throws MODEL_UNKNOWN */
  durabilityOf(model: string): Durability {
    return this.#durability(this.schema.model(model));
  }

  /** @throws ITEM_EXISTS unless `replace` is set. */
  create<T = Item>(model: string, properties: Properties, options: CreateOptions = {}): Promise<T> {
    return this.#write(model, planCreate, properties, options) as Promise<T>;
  }

  /** The item with the key that these properties make, or undefined. */
  get<T = Item>(model: string, properties: Properties, options: ReadOptions = {}): T | undefined {
    return this.#reader.get(this.schema.model(model), properties, options) as T | undefined;
  }

  /** When the item with this key was removed, here or elsewhere, as long as that is remembered; ISO 8601. */
  removedAt(model: string, properties: Properties): string | undefined {
    return this.#reader.removedAt(this.schema.model(model), properties);
  }

  /** The items that have all of these properties, in the order of their keys; `next` of the result asks for more. */
  find<T = Item>(model: string, properties: Properties = {}, options: FindOptions = {}): Page<T> {
    return this.#reader.find(this.schema.model(model), properties, options) as Page<T>;
  }

  /** Replaces the given properties; null takes one away. @throws ITEM_MISSING unless `upsert` is set. */
  update<T = Item>(model: string, properties: Properties, options: UpdateOptions = {}): Promise<T> {
    return this.#write(model, planUpdate, properties, options) as Promise<T>;
  }

  /** Updates the item, or creates it when there is none. */
  upsert<T = Item>(model: string, properties: Properties, options: WriteOptions = {}): Promise<T> {
    return this.#write(model, planUpsert, properties, options) as Promise<T>;
  }

  /** Resolves with the item that was removed, or undefined when there was none. */
  remove<T = Item>(
    model: string,
    properties: Properties,
    options: WriteOptions = {},
  ): Promise<T | undefined> {
    return this.#write(model, planRemove, properties, options) as Promise<T | undefined>;
  }

  /** One field of an item, by its path (`state.led.on`), or undefined. */
  getField(model: string, properties: Properties, path: string): unknown {
    return this.#reader.field(this.schema.model(model), properties, path);
  }

  /** Sets one field of an item, by its path; null takes it away. @throws ITEM_MISSING unless `upsert` is set. */
  setField<T = Item>(
    model: string,
    properties: Properties,
    path: string,
    value: unknown,
    options: UpdateOptions = {},
  ): Promise<T> {
    return this.#write(model, planSetField, { properties, path, value }, options) as Promise<T>;
  }

  /**
   * Calls the listener with every change, in the order of the commits, once it is durable. Returns the function that ends
   * it.
   */
  onChange(listener: ChangeListener): () => void {
    return this.#feed.on('change', listener);
  }

  /**
   * Calls the trigger with every change of a model before it is made; it refuses the change by throwing, which the write
   * then rejects with. Returns the function that ends it.
   */
  beforeChange(model: string, trigger: ChangeListener): () => void {
    return this.#triggers.add(this.schema.model(model).name, trigger);
  }

  /** Calls the trigger with every change of a model once it is durable. Returns the function that ends it. */
  afterChange(model: string, trigger: ChangeListener): () => void {
    const { name } = this.schema.model(model);
    return this.onChange((change) => {
      if (change.model === name) trigger(change);
    });
  }

  /**
   * Several writes that count together or not at all, on disk too. `work` runs at once and to its end; what it throws
   * takes everything back. Resolves with its result when that is durable.
   *
   * @throws TRANSACTION_OVER when `work` is asynchronous.
   */
  async transact<T>(work: (transaction: Transaction) => T): Promise<T> {
    this.#requireOpen();
    const transaction = new Transaction({
      writer: this.#writer,
      desk: () => this.#desks.now(),
      durability: (model) => this.#durability(model),
      check: ({ changes }) => this.#triggers.run(changes),
    });
    return transaction.run(work);
  }

  /** Many writes in one commit, all or none; resolves with the item of each. */
  batch(writes: readonly BatchWrite[]): Promise<(Item | undefined)[]> {
    return this.transact((transaction) => writes.map((write) => transaction.write(write)));
  }

  /** The items as JSON5 text, one a line; with `hidden`, all that is needed to have them again. */
  exportItems({ models = [...this.schema.models.keys()], ...options }: ExportOptions = {}): string {
    return formatItems(models.flatMap((model) => [...this.find<Item>(model, {}, options)]));
  }

  /**
   * Creates the items of a JSON5 list, all or none, as changes of the program's own. Resolves with their number.
   *
   * @throws IMPORT_INVALID; ITEM_EXISTS unless `replace` is set; whatever `create` throws.
   */
  async importItems(text: string, options: CreateOptions = {}): Promise<number> {
    const items = parseItems(text);
    const { typeField } = this.schema;
    await this.batch(
      items.map((item) => ({ ...options, cmd: 'create', model: String(item[typeField]), item })),
    );
    return items.length;
  }

  /**
   * Writes an item as it came from elsewhere, whole and with its own `updated`, without sending it up again; what waited
   * to go up for it waits no longer. Which of two versions wins is the caller's to decide before. Resolves with the item
   * as it is now, or as it was when it was removed.
   */
  async apply(change: AppliedChange, options: ApplyOptions = {}): Promise<Item | undefined> {
    const name = change.model ?? change.item[this.schema.typeField];
    return this.#write(String(name), planApply, change, options);
  }

  /**
   * Learns account or device. All items move under the keys of the new context, what waits to be synced with them, in one
   * commit. Was there another account before, the items of the synced models are removed first, so that the next owner
   * gets nothing of the last. A value that is empty or undefined leaves what is known as it is.
   */
  async setContext(context: Context): Promise<void> {
    const next = mergeContext(this.context, context);
    if (!sameContext(this.context, next)) await this.#commit(planContext(this.#desks.now(), next), 'each');
  }

  /**
   * Removes the items of all synced models (`up`, `down` and `both`) and what waits to be synced, without telling the
   * cloud. Resolves with their number.
   */
  async clearSynced(): Promise<number> {
    const plan = planClearSynced(this.#desks.now());
    if (plan.operations.length > 0) await this.#commit(plan, 'each');
    return plan.changes.length;
  }

  /** Replaces the journal by a snapshot; writes go on meanwhile. The database does so by itself as the journal grows. */
  async compact(): Promise<void> {
    this.#requireOpen();
    await this.#storage.compact();
  }

  /** Saves what waits and closes the files. Idempotent. */
  close(): Promise<void> {
    for (const watch of this.#watches) watch.stop();
    this.#closing ??= this.#storage.close();
    return this.#closing;
  }

  /** Makes one promise a write, and rejects with what it throws: with many in flight, each further one is felt. */
  #write<T, O extends RoomOptions>(
    name: string,
    plan: Planner<T, O>,
    of: T,
    options: O,
  ): Promise<Item | undefined> {
    try {
      const model = this.schema.model(name);
      const decided = plan(this.#desks.now(), model, of, options);
      this.#triggers.run(decided.changes);
      const durability = this.#durability(model);
      if (decided.operations.length > 0) return this.#commit(decided, durability, options);
      // That there is nothing to do may be owed to a change that is not on disk yet.
      const settled = durability === 'each' ? this.#storage.barrier() : Promise.resolve();
      return settled.then(() => decided.changes[0]?.item);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #depart(plan: typeof planExpiry, records: readonly ItemRecord[]): void {
    void this.#commit(plan(this.#desks.now(), records), 'lazy');
  }

  async #read(): Promise<void> {
    const seq = await this.#storage.open();
    this.#state.loaded();
    this.#state.reachSeq(seq);
    this.#state.saved(this.#state.seq);
  }

  #commit(plan: Plan, durability: Durability, room?: RoomOptions): Promise<Item | undefined> {
    this.#requireOpen();
    return this.#writer.write(plan, durability, room);
  }

  #requireOpen(): void {
    if (this.#closing) throw fail('DATABASE_CLOSED', 'the database is closed');
    if (this.#isReadOnly) throw fail('DATABASE_READ_ONLY', 'the database was opened to be looked at only');
  }

  #durability(model: Model | undefined): Durability {
    return model?.durability ?? this.#options.durability ?? 'each';
  }
}
