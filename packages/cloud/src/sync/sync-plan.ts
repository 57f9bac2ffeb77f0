import { type DeviceItem, mergeDeviceReport } from '../devices/device-item.ts';
import type { StoredItem, Write } from '../ports/item-store.ts';
import type { IncomingChange } from './wire-item.ts';

/** What the store holds under one key: an item, the mark of a removed one, or nothing. */
export interface Current {
  item?: StoredItem;
  /** `updated` of the removal. */
  gone?: string;
}

export interface SyncPlan {
  writes: Write[];
  /** Where the cloud holds something newer than the device sent: it is told. */
  newer: { item: StoredItem; removed: boolean }[];
}

/** Where the marks of removed items of a partition lie: without them a late copy of a change would bring an item back. */
export function gonePartition(pk: string): string {
  return `gone#${pk}`;
}

export const idOf = ({ pk, sk }: { pk: string; sk: string }): string => `${pk}\n${sk}`;

/**
 * Decides, change by change in their order, what a batch does to what is stored: the newest `updated` wins, by item, and
 * a Device item is merged by its fields' owners (Ioto contract §8). Applying a batch twice changes nothing.
 */
export function planSync(
  changes: readonly IncomingChange[],
  stored: ReadonlyMap<string, Current>,
  now: string,
): SyncPlan {
  const before = new Map(stored);
  const after = new Map<string, Current>();
  const newer = new Map<string, SyncPlan['newer'][number]>();
  for (const change of changes) {
    const id = idOf(change.item);
    const current = after.get(id) ?? before.get(id) ?? {};
    const next = applied(change, current, now);
    if (next) after.set(id, next);
    else if (isNewer(current, change.item.updated) && change.model.name !== 'Device') {
      newer.set(id, newerOf(current, change.item));
    }
  }
  const writes = [...after].flatMap(([id, next]) =>
    writesFor(keyOf(id), before.get(id) ?? {}, { ...next, now }),
  );
  return { writes, newer: [...newer.values()] };
}

/** The new state under the key, or undefined when the change alters nothing. */
function applied(change: IncomingChange, current: Current, now: string): Current | undefined {
  const { item, remove, model } = change;
  if (model.name === 'Device') {
    if (remove || !current.item) return undefined;
    const merged = mergeDeviceReport(current.item as DeviceItem, item, now);
    return merged && { item: merged };
  }
  const held = current.item ? String(current.item.updated ?? '') : current.gone;
  if (held !== undefined && item.updated < held) return undefined;
  if (remove) return current.gone === item.updated ? undefined : { gone: item.updated };
  if (held === item.updated && current.item && sameContent(current.item, item)) return undefined;
  return { item };
}

function isNewer(current: Current, updated: string): boolean {
  return (current.item ? String(current.item.updated ?? '') : (current.gone ?? '')) > updated;
}

function newerOf(current: Current, sent: StoredItem): SyncPlan['newer'][number] {
  if (current.item) return { item: current.item, removed: false };
  return { item: { ...sent, updated: current.gone }, removed: true };
}

function sameContent(a: StoredItem, b: StoredItem): boolean {
  const sorted = (item: StoredItem) =>
    JSON.stringify(Object.entries(item).sort(([x], [y]) => (x < y ? -1 : 1)));
  return sorted(a) === sorted(b);
}

function keyOf(id: string): { pk: string; sk: string } {
  const at = id.indexOf('\n');
  return { pk: id.slice(0, at), sk: id.slice(at + 1) };
}

/** Conditions hold the batch to what the plan was made from. */
function writesFor(
  key: { pk: string; sk: string },
  before: Current,
  next: Current & { now: string },
): Write[] {
  const unchanged = before.item ? { equals: { ...before.item } } : { absent: true as const };
  const mark = { pk: gonePartition(key.pk), sk: key.sk };
  if (next.item) {
    return [{ put: next.item, if: unchanged }, ...(before.gone === undefined ? [] : [{ remove: mark }])];
  }
  const put = { ...mark, updated: next.gone, marked: next.now };
  return [...(before.item ? [{ remove: key, if: unchanged }] : []), { put }];
}
