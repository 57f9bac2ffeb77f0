import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type CodedError, type Component, type Logger, messageOf } from '@ioto/runtime';
import { open, type RootDatabase } from 'lmdb';
import {
  type Condition,
  type ItemChange,
  type ItemStore,
  type Page,
  type QueryOptions,
  type StoredItem,
  storeError,
  type Write,
} from '../../ports/item-store.ts';
import { closeLmdb, LMDB_OPTIONS, lmdbFileFault } from './lmdb-file.ts';

/** LMDB takes keys of up to 1978 bytes with its default page size; the rest is kept for the separator. */
const LONGEST_KEY = 1900;

const DEFAULT_PAGE = 1000;

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
    return this.#read(pk, sk);
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
    const database = this.#open();
    const steps = writes.map(prepare);
    refuseDoubles(steps);
    const { entry, failed } = await this.#commit(database, steps);
    if (!entry) {
      throw storeError('CONDITION_FAILED', 'the item is not as the write expects it', {
        details: { index: failed },
      });
    }
    try {
      await this.#untilFlushed(database);
    } catch (error) {
      throw unwritable(error);
    } finally {
      // What is committed is seen by readers, so the feed tells it even when its durability is in doubt.
      entry.settled = true;
      this.#publish();
    }
  }

  async #commit(
    database: RootDatabase<Record<string, unknown>, Buffer>,
    steps: readonly Step[],
  ): Promise<{ entry?: FeedEntry; failed?: number }> {
    let entry: FeedEntry | undefined;
    let failed: number | undefined;
    try {
      await database.transaction(() => {
        const before = steps.map((step) => this.#read(step.pk, step.sk));
        failed = steps.findIndex((step, index) => !holds(step.condition, before[index]));
        if (failed >= 0) return;
        // Nothing below throws: many writes share one commit, and must not fail each other.
        for (const step of steps) {
          if (step.value) database.put(step.key, step.value);
          else database.remove(step.key);
        }
        entry = { changes: changesOf(steps, before), settled: false };
        this.#feed.push(entry);
      });
      return { entry, failed };
    } catch (error) {
      // lmdb rejects this second promise too; unheard, it would end the process.
      (error as { commitError?: Promise<unknown> }).commitError?.catch(() => undefined);
      if (entry) this.#feed.splice(this.#feed.indexOf(entry), 1);
      for (const end of [...this.#unflushed]) end(error);
      throw unwritable(error);
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

  #read(pk: string, sk: string): StoredItem | undefined {
    const key = itemKey(pk, sk);
    const value = this.#open().get(key);
    return value && ({ ...value, pk, sk } as StoredItem);
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

interface Step {
  pk: string;
  sk: string;
  key: Buffer;
  /** Absent for a removal. */
  value?: Record<string, unknown>;
  condition: Condition | undefined;
}

function prepare(write: Write): Step {
  if ('remove' in write) {
    const { pk, sk } = write.remove;
    return { pk, sk, key: itemKey(pk, sk), condition: write.if };
  }
  const { pk, sk, ...fields } = write.put;
  const value = Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined));
  return { pk, sk, key: itemKey(pk, sk), value, condition: write.if };
}

function refuseDoubles(steps: readonly Step[]): void {
  const keys = new Set(steps.map((step) => step.key.toString('latin1')));
  if (keys.size !== steps.length) {
    throw storeError('ITEM_KEY_INVALID', 'one write may not touch the same item twice');
  }
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

function changesOf(steps: readonly Step[], before: readonly (StoredItem | undefined)[]): ItemChange[] {
  return steps.map(({ pk, sk, value }, index) => ({
    pk,
    sk,
    before: before[index],
    after: value && ({ ...value, pk, sk } as StoredItem),
  }));
}

/** pk, NUL, sk in UTF-8: byte order is then partition first, sort key second, as the port promises. */
function itemKey(pk: string, sk: string): Buffer {
  if (pk === '' || sk === '') throw storeError('ITEM_KEY_INVALID', 'an item needs both pk and sk');
  return rangeKey(pk, sk);
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
