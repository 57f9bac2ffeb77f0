import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type CodedError, type Component, type Logger, messageOf } from '@ioto/runtime';
import { open, type RootDatabase } from 'lmdb';
import {
  type Condition,
  type Decide,
  type ItemChange,
  type ItemStore,
  type Page,
  type QueryOptions,
  type StoredItem,
  type StoredKey,
  storeError,
  type Write,
} from '../../ports/item-store.ts';
import { closeLmdb, LMDB_OPTIONS, lmdbFileFault } from './lmdb-file.ts';

/** LMDB takes keys of up to 1978 bytes with its default page size; the rest is kept for the separator. */
const LONGEST_KEY = 1900;

const DEFAULT_PAGE = 1000;
/** Keys of one partition from which on it is worth a look whether it has any. */
const WORTH_A_LOOK = 4;

const ENCODING = { encoding: 'msgpack', useRecords: false } as const;

export interface LmdbItemStoreOptions {
  /** Directory of the store's files, made when missing. */
  directory: string;
  logger: Logger;
}

/** Changes of one write, waiting for their turn in the feed. */
interface FeedEntry {
  changes: ItemChange[];
  settled: boolean;
}

/**
 * The ItemStore on LMDB. Writes of one turn of the event loop share a commit and an fsync; a write resolves only after
 * both.
 */
export class LmdbItemStore implements ItemStore, Component {
  readonly name = 'item store';
  readonly #options: LmdbItemStoreOptions;
  readonly #listeners = new Set<(change: ItemChange) => void>();
  readonly #feed: FeedEntry[] = [];
  /** Ends the waits for a flush when a commit fails: lmdb would never settle them. */
  readonly #unflushed = new Set<(error: unknown) => void>();
  #database: RootDatabase<Record<string, unknown>, Buffer> | undefined;

  constructor(options: LmdbItemStoreOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { directory } = this.#options;
    try {
      const fault = await lmdbFileFault(directory);
      if (fault) throw new Error(fault);
      this.#database = open<Record<string, unknown>, Buffer>({
        path: directory,
        ...ENCODING,
        ...LMDB_OPTIONS,
      });
      await Promise.all(['data.mdb', 'lock.mdb'].map((file) => chmod(join(directory, file), 0o600)));
    } catch (error) {
      throw storeError('STORE_UNWRITABLE', `cannot open the store in ${directory}: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }

  async stop(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    if (database) await closeLmdb(database);
  }

  async get(pk: string, sk: string): Promise<StoredItem | undefined> {
    return this.#readAt(new Place(pk, sk));
  }

  async query(pk: string, options: QueryOptions = {}): Promise<Page> {
    const { begins = '', after, limit = DEFAULT_PAGE, reverse = false } = options;
    const first = rangeKey(pk, begins);
    const last = Buffer.concat([first, Buffer.from([0xff])]);
    // The page after one is found by its last key; one more item than asked for tells whether there is a next page.
    const asked = after === undefined ? undefined : rangeKey(pk, after);
    // A place to go on from that lies elsewhere leads nowhere outside of what was asked for.
    const beyond = asked && (reverse ? asked.compare(last) > 0 : asked.compare(first) < 0);
    const start = asked && !beyond ? asked : reverse ? last : first;
    const end = reverse ? first : last;
    const items: StoredItem[] = [];
    for (const { key, value } of this.#open().getRange({
      start,
      end,
      reverse,
      exclusiveStart: asked !== undefined && !beyond,
    })) {
      if (items.length === limit) return { items, next: items.at(-1)?.sk ?? '' };
      items.push(stored(key, value));
    }
    // A reverse range leaves out its end, which here may be an item whose sort key is exactly `begins`.
    const floor = reverse && after !== begins ? this.#open().get(first) : undefined;
    if (floor) {
      if (items.length === limit) return { items, next: items.at(-1)?.sk ?? '' };
      items.push(stored(first, floor));
    }
    return { items };
  }

  async write(writes: readonly Write[]): Promise<void> {
    if (writes.length === 0) return;
    const steps = writes.map((write) => prepare(write));
    refuseDoubles(steps);
    let failed = -1;
    const database = this.#open();
    const entry = await this.#commit(database, () => {
      const before = steps.map(({ place }) => this.#readAt(place));
      failed = steps.findIndex((step, index) => !holds(step.condition, before[index]));
      return failed >= 0 ? undefined : { steps, before };
    });
    if (failed >= 0) {
      throw storeError('CONDITION_FAILED', 'the item is not as the write expects it', {
        details: { index: failed },
      });
    }
    await this.#untilDurable(database, entry);
  }

  async update(keys: readonly StoredKey[], decide: Decide): Promise<void> {
    const database = this.#open();
    const entry = await this.#commit(database, () => {
      const held = new Map<string, Held>();
      const items = this.#readAll(keys, held);
      const steps = decide(items).map((write) => prepare(write, (id) => held.get(id)?.place));
      refuseDoubles(steps);
      const before = steps.map(({ place }) => (held.get(place.id) ?? this.#look(place)).item);
      return { steps, before };
    });
    // Also when nothing is written: what was decided on may be of a commit that is not on the disk yet.
    await this.#untilDurable(database, entry);
  }

  async #commit(
    database: RootDatabase<Record<string, unknown>, Buffer>,
    plan: () => Planned | undefined,
  ): Promise<FeedEntry | undefined> {
    let entry: FeedEntry | undefined;
    let fault: { error: unknown } | undefined;
    try {
      await database.transaction(() => {
        let planned: Planned | undefined;
        // Nothing here throws: many writes share one commit, and must not fail each other.
        try {
          planned = plan();
        } catch (error) {
          fault = { error };
        }
        if (!planned || planned.steps.length === 0) return;
        for (const { place, value } of planned.steps) {
          if (value) database.put(place.key, value);
          else database.remove(place.key);
        }
        entry = { changes: changesOf(planned), settled: false };
        this.#feed.push(entry);
      });
    } catch (error) {
      // lmdb rejects this second promise too; unheard, it would end the process.
      (error as { commitError?: Promise<unknown> }).commitError?.catch(() => undefined);
      if (entry) this.#feed.splice(this.#feed.indexOf(entry), 1);
      for (const end of [...this.#unflushed]) end(error);
      throw unwritable(error);
    }
    if (fault) throw fault.error;
    return entry;
  }

  async #untilDurable(
    database: RootDatabase<Record<string, unknown>, Buffer>,
    entry: FeedEntry | undefined,
  ): Promise<void> {
    try {
      await this.#untilFlushed(database);
    } catch (error) {
      throw unwritable(error);
    } finally {
      // What is committed is seen by readers, so the feed tells it even when its durability is in doubt.
      if (entry) entry.settled = true;
      this.#publish();
    }
  }

  #untilFlushed(database: RootDatabase<Record<string, unknown>, Buffer>): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (error: unknown) => {
        this.#unflushed.delete(end);
        reject(error);
      };
      this.#unflushed.add(end);
      database.flushed.then(() => {
        this.#unflushed.delete(end);
        resolve();
      }, end);
    });
  }

  onChange(listener: (change: ItemChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #publish(): void {
    for (let entry = this.#feed[0]; entry?.settled; entry = this.#feed[0]) {
      this.#feed.shift();
      for (const change of entry.changes) this.#tell(change);
    }
  }

  #tell(change: ItemChange): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(change);
      } catch (error) {
        this.#options.logger.error(
          { error: messageOf(error), pk: change.pk },
          'a listener of the store failed',
        );
      }
    }
  }

  #readAt(place: Place): StoredItem | undefined {
    const value = this.#open().get(place.key);
    if (!value) return undefined;
    value.pk = place.pk;
    value.sk = place.sk;
    return value as StoredItem;
  }

  #look(place: Place): Held {
    return { place, item: this.#readAt(place) };
  }

  /**
   * Notes in `held` what it has looked at. Many keys of one partition are mostly in it, or it has nothing at all, as that of
   * removed items: then they are not looked at one by one.
   */
  #readAll(keys: readonly StoredKey[], held: Map<string, Held>): (StoredItem | undefined)[] {
    const counts = new Map<string, number>();
    for (const { pk } of keys) counts.set(pk, (counts.get(pk) ?? 0) + 1);
    const empty = new Set<string>();
    for (const [pk, count] of counts) if (count >= WORTH_A_LOOK && this.#isEmpty(pk)) empty.add(pk);
    return keys.map(({ pk, sk }) => {
      if (empty.has(pk)) return undefined;
      const found = this.#look(new Place(pk, sk));
      held.set(found.place.id, found);
      return found.item;
    });
  }

  #isEmpty(pk: string): boolean {
    const start = rangeKey(pk, '');
    const end = Buffer.concat([start, Buffer.from([0xff])]);
    for (const _key of this.#open().getKeys({ start, end, limit: 1 })) return false;
    return true;
  }

  #open(): RootDatabase<Record<string, unknown>, Buffer> {
    if (!this.#database) throw storeError('STORE_CLOSED', 'the store is not open');
    return this.#database;
  }
}

function unwritable(error: unknown): CodedError {
  const message = 'the store cannot be written: is the disk of the state directory full?';
  return storeError('STORE_UNWRITABLE', message, { cause: error });
}

/** Where an item lies. */
class Place {
  readonly pk: string;
  readonly sk: string;
  /** pk, NUL, sk. */
  readonly id: string;
  #key: Buffer | undefined;

  constructor(pk: string, sk: string) {
    if (pk === '' || sk === '') throw storeError('ITEM_KEY_INVALID', 'an item needs both pk and sk');
    this.pk = pk;
    this.sk = sk;
    this.id = `${pk}\0${sk}`;
  }

  /** `id` in UTF-8: byte order is then partition first, sort key second, as the port promises. */
  get key(): Buffer {
    this.#key ??= rangeKey(this.pk, this.sk);
    return this.#key;
  }
}

/** What was found at a place. */
interface Held {
  place: Place;
  item: StoredItem | undefined;
}

interface Step {
  place: Place;
  /** Absent for a removal. */
  value: Record<string, unknown> | undefined;
  after: StoredItem | undefined;
  condition: Condition | undefined;
}

/** What a transaction writes, and what is there before. */
interface Planned {
  steps: readonly Step[];
  before: readonly (StoredItem | undefined)[];
}

/** `known` is asked for the place of an ID that may have been looked at already. */
function prepare(write: Write, known?: (id: string) => Place | undefined): Step {
  const { pk, sk } = 'put' in write ? write.put : write.remove;
  const place = known?.(`${pk}\0${sk}`) ?? new Place(pk, sk);
  // Refused before the transaction, or before anything in it is written.
  place.key;
  const step: Step = { place, value: undefined, after: undefined, condition: write.if };
  if (!('put' in write)) return step;
  const { put } = write;
  const value: Record<string, unknown> = {};
  let isWhole = true;
  for (const name of Object.keys(put)) {
    const field = put[name];
    if (field === undefined) isWhole = false;
    else if (name !== 'pk' && name !== 'sk') value[name] = field;
  }
  step.value = value;
  step.after = isWhole ? put : { ...value, pk, sk };
  return step;
}

function refuseDoubles(steps: readonly Step[]): void {
  if (new Set(steps.map(({ place }) => place.id)).size === steps.length) return;
  throw storeError('ITEM_KEY_INVALID', 'one write may not touch the same item twice');
}

function holds(condition: Condition | undefined, item: StoredItem | undefined): boolean {
  if (!condition) return true;
  if ('absent' in condition) return item === undefined;
  if ('exists' in condition) return item !== undefined;
  return (
    item !== undefined &&
    Object.entries(condition.equals).every(([field, value]) => isDeepStrictEqual(item[field], value))
  );
}

function changesOf({ steps, before }: Planned): ItemChange[] {
  return steps.map(({ place: { pk, sk }, after }, index) => ({ pk, sk, before: before[index], after }));
}

function rangeKey(pk: string, sk: string): Buffer {
  if (pk.includes('\0') || sk.includes('\0')) {
    throw storeError('ITEM_KEY_INVALID', 'pk and sk may not contain the NUL character');
  }
  const key = Buffer.from(`${pk}\0${sk}`);
  if (key.length > LONGEST_KEY) {
    throw storeError(
      'ITEM_KEY_INVALID',
      `pk and sk together may have ${LONGEST_KEY} bytes, not ${key.length}`,
    );
  }
  return key;
}

function stored(key: Buffer, value: Record<string, unknown>): StoredItem {
  const text = key.toString();
  const separator = text.indexOf('\0');
  return { ...value, pk: text.slice(0, separator), sk: text.slice(separator + 1) };
}
