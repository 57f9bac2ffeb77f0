import { createHash } from 'node:crypto';
import { expiryOf, type Model } from '@ioto/database';
import type { StoredItem, StoredKey, Write } from '../../ports/item-store.ts';

/** Where the items that expire are listed, by time. */
export const EXPIRY_PARTITION = 'expiry#';

/**
 * The writes that list an item to be removed at its time, and no more at the time of the version that it replaces: one that
 * is written every second, to live for a month each time, would else leave millions of entries.
 *
 * @param item Undefined where it is removed.
 */
export function expiryWrites(
  model: Model,
  { item, before }: { item?: StoredItem; before?: StoredItem },
): Write[] {
  const time = item && expiryTime(model, item);
  const earlier = before && expiryTime(model, before);
  return [
    ...(item && time !== undefined ? [expiryEntry(time, item)] : []),
    ...(before && earlier !== undefined && earlier !== time ? [{ remove: expiryKey(earlier, before) }] : []),
  ];
}

/** The write that lists what lies under a key to be looked at, and removed, at `time`, ISO 8601. */
export function expiryEntry(time: string, { pk, sk }: StoredKey): Write {
  return { put: { ...expiryKey(time, { pk, sk }), of: { pk, sk } } };
}

/** Where that lies. */
export function expiryKey(time: string, { pk, sk }: StoredKey): StoredKey {
  // Both keys together may be longer than a sort key is.
  const name = createHash('sha256').update(`${pk}\n${sk}`).digest('base64url');
  return { pk: EXPIRY_PARTITION, sk: `${time}#${name}` };
}

/** ISO time at which the item expires. */
export function expiryTime(model: Model, item: StoredItem): string | undefined {
  const time = model.ttl && expiryOf(model, { attributes: item });
  if (time === undefined) return undefined;
  const date = new Date(time);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}
