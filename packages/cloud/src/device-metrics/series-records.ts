import { createHash } from 'node:crypto';
import { canonicalDimensions, type MetricDimensions } from '@ioto/protocol';
import type { ItemStore, StoredItem, Write } from '../ports/item-store.ts';
import { expiryEntry } from '../sync/expiry/expiry-index.ts';
import type { Kept } from './spans.ts';

/** One series: a metric with its dimensions, of an account. */
export interface SeriesName {
  accountId: string;
  /** Of CloudWatch; absent for what devices set. */
  namespace?: string;
  metric: string;
  dimensions: MetricDimensions;
}

/** A series as it is stored. */
export interface SeriesItem extends StoredItem, SeriesName, Kept {
  /** The device that set it first, which it counts for; '' for a tool. */
  deviceId: string;
  /** Unit of the latest samples, as CloudWatch has it; absent for none. */
  unit?: string;
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

/** Where the series of an account lie that devices set. */
const seriesPartition = (accountId: string): string => `metric#${accountId}`;
/** Where those lie that have a namespace. */
const namespacedPartition = (accountId: string): string => `metric-in#${accountId}`;
/** Where it is noted which device made which. */
const makerPartition = (accountId: string): string => `metric-of#${accountId}`;

export function seriesKey(series: SeriesName): { pk: string; sk: string } {
  const name = createHash('sha256').update(canonicalDimensions(series.dimensions)).digest('base64url');
  const { pk, begins } = seriesKeys(series);
  return { pk, sk: begins + name };
}

/**
 * Where series lie: those of one metric, of a namespace, or, with `'*'` for it, of all namespaces. Those of a metric also are
 * among those of one whose name begins with it and `#`.
 */
export function seriesKeys(search: { accountId: string; namespace?: string; metric?: string }) {
  const { accountId, namespace, metric } = search;
  const begins = metric === undefined ? '' : `${metric}#`;
  if (namespace === undefined) return { pk: seriesPartition(accountId), begins };
  // No namespace has the character in its name.
  return { pk: namespacedPartition(accountId), begins: namespace === '*' ? '' : `${namespace}|${begins}` };
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
  change: { before?: SeriesItem; kept: Kept; unit?: string; deviceId: string; now: number },
): Write[] {
  const { before, kept, deviceId, now } = change;
  const unit = change.unit ?? before?.unit;
  const key = seriesKey(name);
  const isLate = !before || Date.parse(before.keepUntil) < now + KEPT - LAG;
  const keepUntil = isLate ? new Date(now + KEPT).toISOString() : before.keepUntil;
  const item: SeriesItem = {
    ...{ ...key, ...name, ...kept, keepUntil },
    ...(unit !== undefined && { unit }),
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
  const within = name.namespace === undefined ? sk : `|${sk}`;
  return { pk: makerPartition(name.accountId), sk: `${deviceId}#${within}`, keepUntil };
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
