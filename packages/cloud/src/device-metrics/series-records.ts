import { createHash } from 'node:crypto';
import { canonicalDimensions, type MetricDimensions } from '@ioto/protocol';
import type { ItemStore, StoredItem, Write } from '../ports/item-store.ts';
import { expiryEntry } from '../sync/expiry/expiry-index.ts';
import type { Kept } from './spans.ts';

/** One series: a metric with its dimensions, of an account. */
export interface SeriesName {
  accountId: string;
  metric: string;
  dimensions: MetricDimensions;
}

/** A series as it is stored. */
export interface SeriesItem extends StoredItem, SeriesName, Kept {
  /** The device that set it first, which it counts for. */
  deviceId: string;
  /** Raised by every change, so that no two writers undo each other's. */
  version: number;
  /** ISO time of the latest change. */
  updated: string;
  /** ISO time until which it stays when nobody sets it. */
  keepUntil: string;
}

/** Milliseconds that a series stays when nobody sets it: as long as its longest span, and a month to spare. */
const KEPT = 400 * 86_400_000;
/** How far the noted end may lag behind that: moving it costs another entry. */
const LAG = 30 * 86_400_000;

/** Where the series of an account lie. */
export const seriesPartition = (accountId: string): string => `metric#${accountId}`;
/** Where it is noted which device made which. */
const makerPartition = (accountId: string): string => `metric-of#${accountId}`;

export function seriesKey({ accountId, metric, dimensions }: SeriesName): { pk: string; sk: string } {
  const name = createHash('sha256').update(canonicalDimensions(dimensions)).digest('base64url');
  return { pk: seriesPartition(accountId), sk: `${metric}#${name}` };
}

export async function readSeries(
  store: Pick<ItemStore, 'get'>,
  name: SeriesName,
): Promise<SeriesItem | undefined> {
  const { pk, sk } = seriesKey(name);
  return (await store.get(pk, sk)) as SeriesItem | undefined;
}

/** The writes of a series that was changed, or made when there was none `before`. */
export function seriesWrites(
  name: SeriesName,
  { before, kept, deviceId, now }: { before?: SeriesItem; kept: Kept; deviceId: string; now: number },
): Write[] {
  const key = seriesKey(name);
  const isLate = !before || Date.parse(before.keepUntil) < now + KEPT - LAG;
  const keepUntil = isLate ? new Date(now + KEPT).toISOString() : before.keepUntil;
  const item: SeriesItem = {
    ...{ ...key, ...name, ...kept, keepUntil },
    deviceId: before?.deviceId ?? deviceId,
    version: (before?.version ?? 0) + 1,
    updated: new Date(now).toISOString(),
  };
  const unchanged = before ? { equals: { version: before.version } } : ({ absent: true } as const);
  const writes: Write[] = [{ put: item, if: unchanged }];
  if (!isLate) return writes;
  const maker = makerEntry(name, item.deviceId, keepUntil);
  return [...writes, { put: maker }, expiryEntry(keepUntil, item), expiryEntry(keepUntil, maker)];
}

function makerEntry(name: SeriesName, deviceId: string, keepUntil: string): StoredItem {
  const { sk } = seriesKey(name);
  return { pk: makerPartition(name.accountId), sk: `${deviceId}#${sk}`, keepUntil };
}

/** How many series there are of an account, or of those that one of its devices made; counted up to `most`. */
export async function countSeries(
  store: Pick<ItemStore, 'query'>,
  { accountId, deviceId, most }: { accountId: string; deviceId?: string; most: number },
): Promise<number> {
  const begins = deviceId === undefined ? undefined : `${deviceId}#`;
  const { items } = await store.query(makerPartition(accountId), { begins, limit: most });
  return items.length;
}
