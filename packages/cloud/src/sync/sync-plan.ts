import { contentOf, type Model, timeOf } from '@ioto/database';
import { type HeldByCloud, onUp, type UpVerdict } from '@ioto/protocol';
import { type DeviceItem, mergeDeviceReport } from '../devices/device-item.ts';
import type { StoredItem, StoredKey, Write } from '../ports/item-store.ts';
import { expiryWrites } from './expiry-index.ts';
import { markOf, removalOf } from './gone-marks.ts';
import { syncFactsOf, withSyncFacts } from './sync-facts.ts';
import type { IncomingChange } from './wire-item.ts';

/** What the store holds under one key: an item, the mark of a removed one, or nothing. */
export interface Current {
  item?: StoredItem;
  mark?: StoredItem;
}

export interface SyncPlan {
  writes: Write[];
  /** What the cloud holds instead of what the device sent, where that is newer, or dated anew: the device is told. */
  told: { item: StoredItem; removed: boolean }[];
}

/** What a plan depends on beside the changes and what is stored. */
export interface SyncMoment {
  /** Milliseconds since the epoch. */
  now: number;
  /** When the changes came in, ISO time. */
  arrived: string;
  deviceId: string;
  /** The agent is one of ours, which knows that the cloud may date a change anew. */
  isOurs: boolean;
}

/**
 * Decides, change by change in their order, what a batch does to what is stored: the newest version of an item wins, and
 * a Device item is merged by its fields' owners (Ioto contract §8). Applying a batch twice changes nothing.
 */
export function planSync(
  changes: readonly IncomingChange[],
  stored: ReadonlyMap<string, Current>,
  moment: SyncMoment,
): SyncPlan {
  const after = new Map<string, Next>();
  const told = new Map<string, SyncPlan['told'][number]>();
  for (const change of changes) {
    const { id } = change;
    const current = after.get(id) ?? stored.get(id) ?? {};
    const { next, tell } = applied(change, current, moment);
    if (next) after.set(id, next);
    if (tell) told.set(id, tell);
    else if (next) told.delete(id);
  }
  const writes: Write[] = [];
  for (const [id, next] of after) addWrites(writes, stored.get(id) ?? {}, next);
  return { writes, told: [...told.values()] };
}

interface Next extends Current {
  model: Model;
}

interface Applied {
  /** The new state under the key; undefined when the change alters nothing. */
  next?: Next;
  tell?: SyncPlan['told'][number];
}

function applied(change: IncomingChange, current: Current, moment: SyncMoment): Applied {
  const { item, model, remove } = change;
  if (model.name === 'Device') return { next: merged(change, current, moment) };
  const { deviceId, now } = moment;
  const content = () => contentOf(model, item);
  const sent = { updated: timeOf(item.updated), removed: remove, content, deviceId };
  const verdict = onUp(heldOf(model, current), sent, now);
  if (verdict.kind === 'write') {
    const next = { ...written(change, verdict, moment), model };
    return { next, tell: verdict.redated ? tellOf(model, next) : undefined };
  }
  const isTold = verdict.kind === 'stale' || (verdict.kind === 'seen' && moment.isOurs);
  return { tell: isTold ? tellOf(model, current) : undefined };
}

function merged({ model, item, remove }: IncomingChange, current: Current, { now }: SyncMoment) {
  if (remove || !current.item) return undefined;
  const next = mergeDeviceReport(current.item as DeviceItem, item, now);
  return next && { item: next, model };
}

function written(
  { item, model, remove }: IncomingChange,
  { updated, claims }: Extract<UpVerdict, { kind: 'write' }>,
  { now, arrived, deviceId }: SyncMoment,
): Current {
  const facts = { arrived, by: deviceId, claims };
  if (!remove) return { item: withSyncFacts(item.updated === updated ? item : { ...item, updated }, facts) };
  return { mark: markOf(model, item, { updated, now: new Date(now).toISOString(), facts }) };
}

function heldOf(model: Model, { item, mark }: Current): HeldByCloud | undefined {
  const held = item ?? mark;
  if (!held) return undefined;
  const claims = syncFactsOf(held)?.claims;
  const updated = timeOf(held.updated) ?? '';
  return { updated, removed: !item, content: item && (() => contentOf(model, item)), claims };
}

function tellOf(model: Model, { item, mark }: Current): SyncPlan['told'][number] | undefined {
  if (item) return { item, removed: false };
  return mark && { item: removalOf(model, mark), removed: true };
}

function addWrites(writes: Write[], before: Current, { item, mark, model }: Next): void {
  if (item) {
    writes.push({ put: item });
    if (before.mark) writes.push({ remove: keyOf(before.mark) });
    writes.push(...expiryWrites(model, item));
    return;
  }
  if (before.item) writes.push({ remove: keyOf(before.item) });
  if (mark) writes.push({ put: mark });
}

const keyOf = ({ pk, sk }: StoredKey): StoredKey => ({ pk, sk });
