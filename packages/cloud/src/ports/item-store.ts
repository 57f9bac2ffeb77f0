import { errorCatalogue, isCodedError } from '@ioto/runtime';

/** One item of the single table. Every other field is plain JSON data. */
export interface StoredItem {
  pk: string;
  sk: string;
  [field: string]: unknown;
}

/** What must hold of the item as it stands before the write. `equals` compares top-level fields by value. */
export type Condition = { absent: true } | { exists: true } | { equals: Record<string, unknown> };

export type Write =
  | { put: StoredItem; if?: Condition }
  | { remove: { pk: string; sk: string }; if?: Condition };

export type StoredKey = Pick<StoredItem, 'pk' | 'sk'>;

/** What is to be written, given the items in the order of their keys, undefined for one that is not there. */
export type Decide = (items: readonly (StoredItem | undefined)[]) => readonly Write[];

export interface QueryOptions {
  /** Only sort keys that begin with this. */
  begins?: string;
  /** Only items after this sort key, in the query's direction: the `next` of the page before. */
  after?: string;
  /** Default 1000. */
  limit?: number;
  /** Highest sort key first. */
  reverse?: boolean;
}

export interface Page {
  items: StoredItem[];
  /** Present when there is more: pass it as `after`. */
  next?: string;
}

export interface ItemChange {
  pk: string;
  sk: string;
  before?: StoredItem;
  after?: StoredItem;
}

/**
 * Documents in one table under partition and sort key, as DynamoDB has them: conditional writes, all or nothing, range
 * queries within a partition in the order of the sort keys' UTF-8 bytes, and a feed of what was committed.
 */
export interface ItemStore {
  get(pk: string, sk: string): Promise<StoredItem | undefined>;
  /**
   * All or nothing, durable when resolved. At most one write for each item.
   *
   * @throws CONDITION_FAILED with `details.index` of the first write whose condition did not hold; STORE_UNWRITABLE
   * (503, retryable) when the disk refuses.
   */
  write(writes: readonly Write[]): Promise<void>;
  /**
   * Writes what `decide` makes of the items under the keys, as if nobody else wrote meanwhile: all or nothing, durable when
   * resolved. What it writes needs no conditions, and it may not wait for anything. It may be called more than once: then
   * only the last time counts. No key twice.
   *
   * @throws what `decide` throws; STORE_UNWRITABLE (503, retryable) when the disk refuses.
   */
  update(keys: readonly StoredKey[], decide: Decide): Promise<void>;
  query(pk: string, options?: QueryOptions): Promise<Page>;
  /** Committed writes, in the order of their commits, after they are durable. Returns the function that ends it. */
  onChange(listener: (change: ItemChange) => void): () => void;
}

export const storeError = errorCatalogue({
  CONDITION_FAILED: { status: 409 },
  ITEM_KEY_INVALID: { status: 400 },
  STORE_UNWRITABLE: { status: 503, retryable: true },
  STORE_CLOSED: { status: 503, retryable: true },
});

/** Writes as the store does; false, and nothing is written, when a condition does not hold. */
export async function writeIfHolds(
  store: Pick<ItemStore, 'write'>,
  writes: readonly Write[],
): Promise<boolean> {
  try {
    await store.write(writes);
    return true;
  } catch (error) {
    if (isCodedError(error, 'CONDITION_FAILED')) return false;
    throw error;
  }
}
