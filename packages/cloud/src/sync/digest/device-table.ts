import { type Model, timeOf, versionOf } from '@ioto/database';
import { compareTimes, compareVersions, type Version } from '@ioto/protocol';
import type { BroadcastsDown } from '../../cloud-broadcasts/broadcasts-down.ts';
import type { ItemStore, StoredItem } from '../../ports/item-store.ts';
import { isOf, rangesOf } from '../down/sync-down.ts';
import { gonePartition, removalOf } from '../items/gone-marks.ts';
import { isStorable, type SyncIdentity } from '../items/wire-item.ts';

export interface DeviceTableOptions {
  store: Pick<ItemStore, 'get' | 'query'>;
  broadcasts: Pick<BroadcastsDown, 'since'>;
}

/** An item that a device should hold. */
export interface DeviceRow {
  /** Its sort key on the device. */
  readonly key: string;
  readonly item: StoredItem;
}

/** What a device is to be told of a key. */
export interface DeviceWord {
  readonly verb: 'UPSERT' | 'REMOVE';
  readonly item: StoredItem;
}

/** What goes to every device of an account, or of all accounts, and may meet a device's own item of the same key. */
interface Shared {
  readonly rows: Map<string, DeviceRow>;
  /** Marks of removed ones, by the key on the device. */
  readonly gone: Map<string, StoredItem>;
}

interface Range {
  readonly pk: string;
  readonly begins: string;
}

/** Items read in one turn of the loop. */
const LOT = 500;

/** What the cloud has of a model for one device: what sync up took in from it, or sync down brings it. */
export class DeviceTable {
  readonly #options: DeviceTableOptions;

  constructor(options: DeviceTableOptions) {
    this.#options = options;
  }

  /** Every item, of each key the version that counts; lets others have their turn between lots. */
  async *rows(model: Model, identity: SyncIdentity): AsyncGenerator<DeviceRow> {
    const { own, shared } = await this.#read(model, identity);
    if (!own) return;
    for await (const item of this.#scan(own)) {
      if (!isItem(model, item, identity)) continue;
      const row = { key: item.sk, item };
      if (counting(model, row, shared) !== row) continue;
      shared.rows.delete(row.key);
      yield row;
    }
    yield* shared.rows.values();
  }

  /** What there is to say of these keys, which may be anything: only of the device's own, or of those for all. */
  async *find(model: Model, identity: SyncIdentity, keys: Iterable<string>): AsyncGenerator<DeviceWord> {
    const { store } = this.#options;
    const { own, shared } = await this.#read(model, identity);
    if (!own) return;
    for (const key of keys) {
      if (!key.startsWith(own.begins) || !isStorable({ pk: own.pk, sk: key })) continue;
      const held = await store.get(own.pk, key);
      const row = held && isItem(model, held, identity) ? { key, item: held } : undefined;
      const counts = counting(model, row, shared, key);
      if (counts) {
        yield { verb: 'UPSERT', item: counts.item };
        continue;
      }
      const mark = newest(await store.get(gonePartition(own.pk), key), shared.gone.get(key));
      if (mark && isItem(model, mark, identity)) yield { verb: 'REMOVE', item: removalOf(model, mark) };
    }
  }

  /** The device's own range, and what is shared with others where that lies elsewhere. */
  async #read(model: Model, identity: SyncIdentity): Promise<{ own?: Range; shared: Shared }> {
    const shared: Shared = { rows: new Map(), gone: new Map() };
    const [own, every] = rangesOf(model, identity);
    if (!own || model.sync === 'up') return { own, shared };
    if (every) await this.#readShared(model, identity, { own, every, shared });
    if (model.name !== 'Broadcast') return { own, shared };
    // The operator's, each dated after what it stands in for, and none of which the device has its own.
    for await (const { verb, item } of this.#options.broadcasts.since(identity, '')) {
      const { sk: key } = model.keyOf(item, identity);
      if (verb === 'UPSERT') shared.rows.set(key, { key, item });
      else if (!shared.gone.has(key)) shared.gone.set(key, item);
    }
    return { own, shared };
  }

  async #readShared(
    model: Model,
    identity: SyncIdentity,
    { own, every, shared }: { own: Range; every: Range; shared: Shared },
  ): Promise<void> {
    const { store } = this.#options;
    for await (const item of this.#scan(every)) {
      if (!isItem(model, item, identity)) continue;
      const { sk: key } = model.keyOf(item, identity);
      const mark = await store.get(gonePartition(own.pk), key);
      // The device was told that its own is gone, later than this one was made.
      if (mark && isNewer(mark, item)) continue;
      shared.rows.set(key, { key, item });
    }
    for await (const mark of this.#scan({ ...every, pk: gonePartition(every.pk) })) {
      if (!isItem(model, mark, identity)) continue;
      shared.gone.set(model.keyOf(removalOf(model, mark), identity).sk, mark);
    }
  }

  async *#scan({ pk, begins }: Range): AsyncGenerator<StoredItem> {
    let after: string | undefined;
    do {
      const page = await this.#options.store.query(pk, { begins, after, limit: LOT });
      yield* page.items;
      after = page.next;
      if (after !== undefined) await new Promise((resolve) => setImmediate(resolve));
    } while (after !== undefined);
  }
}

/** Several models may lie in one range. */
function isItem(model: Model, item: StoredItem, identity: SyncIdentity): boolean {
  return item._type === model.name && isOf(item, identity);
}

/** The device's own or the shared one, whichever is the newer version; undefined where a removal is newer than both. */
function counting(
  model: Model,
  own: DeviceRow | undefined,
  { rows, gone }: Shared,
  key = own?.key ?? '',
): DeviceRow | undefined {
  const mark = gone.get(key);
  const standing = own && mark && isNewer(mark, own.item) ? undefined : own;
  const shared = rows.get(key);
  if (!standing || !shared) return standing ?? shared;
  return compareVersions(versionIn(model, standing), versionIn(model, shared)) >= 0 ? standing : shared;
}

function versionIn(model: Model, { item }: DeviceRow): Version {
  return versionOf(model, item) ?? { updated: '' };
}

function newest(one: StoredItem | undefined, other: StoredItem | undefined): StoredItem | undefined {
  if (!one || !other) return one ?? other;
  return isNewer(other, one) ? other : one;
}

function isNewer(one: StoredItem, other: StoredItem): boolean {
  return compareTimes(timeOf(one.updated) ?? '', timeOf(other.updated) ?? '') > 0;
}
