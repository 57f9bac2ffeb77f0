import { contentOf, type Model, mergeItemOf, timeOf, withMerged } from '@ioto/database';
import { type HeldByCloud, type MergeItem, onUp, onUpMerging, type UpVerdict } from '@ioto/protocol';
import { type DeviceItem, mergeDeviceReport } from '../../devices/device-item.ts';
import type { StoredItem, StoredKey, Write } from '../../ports/item-store.ts';
import { expiryWrites } from '../expiry/expiry-index.ts';
import { markOf, removalOf } from '../items/gone-marks.ts';
import { replacedVersions, syncFactsOf, withSyncFacts } from '../items/sync-facts.ts';
import type { IncomingChange } from '../items/wire-item.ts';
import { type Conflict, conflictOf, isOwn } from './conflict.ts';

/** What the store holds under one key: an item, the mark of a removed one, or nothing. */
export interface Current {
  item?: StoredItem;
  mark?: StoredItem;
}

export interface SyncPlan {
  writes: Write[];
  /** What the cloud holds instead of what the device sent, where that is newer, or dated anew: the device is told. */
  told: Told[];
  /** Versions and values that lost against ones whose writers had not seen them. */
  conflicts: Conflict[];
}

export interface Told {
  item: StoredItem;
  removed: boolean;
  /** It is what the device sent but for its time. */
  redated?: boolean;
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
  /** It leaves out since when an item is that it knows the cloud to have. */
  isLean?: boolean;
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
  const told = new Map<string, Told>();
  const conflicts: Conflict[] = [];
  for (const change of changes) {
    const { id } = change;
    const current = after.get(id) ?? stored.get(id) ?? {};
    const { next, tell, merged } = applied(change, current, moment);
    const conflict = conflictIn(change, current, { isWritten: next !== undefined, merged, moment });
    if (conflict) conflicts.push(conflict);
    if (next) after.set(id, next);
    if (tell) told.set(id, tell);
    else if (next) told.delete(id);
  }
  const writes: Write[] = [];
  for (const [id, next] of after) addWrites(writes, stored.get(id) ?? {}, next);
  return { writes, told: [...told.values()], conflicts };
}

interface Next extends Current {
  model: Model;
}

interface Applied {
  /** The new state under the key; undefined when the change alters nothing. */
  next?: Next;
  tell?: Told;
  /** What a model that is merged by field made of both. */
  merged?: MergeItem;
}

/** A Device item has an owner for each of its fields. */
function conflictIn(
  { item, model, remove, base }: IncomingChange,
  current: Current,
  { isWritten, merged, moment }: { isWritten: boolean; merged?: MergeItem; moment: SyncMoment },
): Conflict | undefined {
  const held = current.item ?? current.mark;
  const { deviceId, now } = moment;
  if (!held || isOwn(held, deviceId) || model.name === 'Device') return undefined;
  const updated = timeOf(item.updated) ?? new Date(now).toISOString();
  return conflictOf({
    model,
    deviceId,
    isWritten,
    merged,
    sent: { item, removed: remove, updated, base },
    held: { item: held, removed: !current.item },
  });
}

function applied(change: IncomingChange, current: Current, moment: SyncMoment): Applied {
  const { item, model, remove } = change;
  if (model.name === 'Device') return { next: merged(change, current, moment) };
  if (model.merges) return appliedMerging(change, current, moment);
  const { deviceId, now } = moment;
  const content = () => contentOf(model, item);
  const sent = { updated: timeOf(item.updated), removed: remove, content, deviceId };
  const verdict = onUp(heldOf(model, current), sent, now);
  if (verdict.kind === 'write') {
    const next = { ...written(change, verdict, moment, current), model };
    const tell = verdict.redated ? tellOf(model, next) : undefined;
    return { next, tell: tell && { ...tell, redated: true } };
  }
  const isTold = verdict.kind === 'stale' || (verdict.kind === 'seen' && moment.isOurs);
  return { tell: isTold ? tellOf(model, current) : undefined };
}

function appliedMerging(change: IncomingChange, current: Current, moment: SyncMoment): Applied {
  const { item, model, remove } = change;
  const { deviceId, now } = moment;
  const content = () => contentOf(model, item);
  const sent = { updated: timeOf(item.updated), removed: remove, content, deviceId };
  const held = heldOf(model, current);
  const verdict = onUpMerging(
    held && { ...held, item: current.item && mergeItemOf(model, current.item) },
    { ...sent, item: remove ? undefined : sentItem(change, moment) },
    { names: model.mergeNames, now },
  );
  if (verdict.kind === 'write') {
    const { item: merged, updated, claims } = verdict;
    const fields = merged ? withMerged(model, { ...item, ...createdOf(model, current) }, merged) : item;
    const as = { ...change, item: { ...fields, pk: item.pk, sk: item.sk } };
    const next = { ...written(as, { updated, claims }, moment, current), model };
    return { next, merged, tell: verdict.tell ? tellOf(model, next) : undefined };
  }
  const isTold = verdict.kind === 'stale' || (verdict.kind === 'seen' && moment.isOurs);
  return { tell: isTold ? tellOf(model, current) : undefined };
}

/** One without a time of its own gets one of the cloud. */
function sentItem({ model, item }: IncomingChange, { now }: SyncMoment): MergeItem | undefined {
  return mergeItemOf(model, { updated: new Date(now).toISOString(), ...item });
}

function merged({ model, item, remove }: IncomingChange, current: Current, { now }: SyncMoment) {
  if (remove || !current.item) return undefined;
  const next = mergeDeviceReport(current.item as DeviceItem, item, now);
  return next && { item: next, model };
}

function written(
  { item, model, remove }: IncomingChange,
  { updated, claims }: Pick<Extract<UpVerdict, { kind: 'write' }>, 'updated' | 'claims'>,
  { now, arrived, deviceId, isLean }: SyncMoment,
  before: Current,
): Current {
  const over = replacedVersions(before.item ?? before.mark, deviceId);
  const facts = { arrived, by: deviceId, claims, over };
  if (!remove) {
    // One copy: this is done for each change.
    const next = withSyncFacts(item, facts);
    next.updated = updated;
    const since = sinceOf(model, before, { item, updated, isLean });
    if (since !== undefined) next[model.created as string] = since;
    return { item: next };
  }
  return { mark: markOf(model, item, { updated, now: new Date(now).toISOString(), facts }) };
}

function createdOf({ created }: Model, { item: held }: Current): Record<string, unknown> | undefined {
  return created === undefined || held?.[created] === undefined ? undefined : { [created]: held[created] };
}

/** Since when an item is, where the device does not say: as the cloud has it. */
function sinceOf(
  { created }: Model,
  { item: held }: Current,
  { item, updated, isLean }: { item: StoredItem; updated: string; isLean?: boolean },
): unknown {
  if (created === undefined || item[created] !== undefined) return undefined;
  return held?.[created] ?? (isLean ? updated : undefined);
}

function heldOf(model: Model, { item, mark }: Current): HeldByCloud | undefined {
  const held = item ?? mark;
  if (!held) return undefined;
  const claims = syncFactsOf(held)?.claims;
  const updated = timeOf(held.updated) ?? '';
  return { updated, removed: !item, content: item && (() => contentOf(model, item)), claims };
}

function tellOf(model: Model, { item, mark }: Current): Told | undefined {
  if (item) return { item, removed: false };
  return mark && { item: removalOf(model, mark), removed: true };
}

function addWrites(writes: Write[], before: Current, { item, mark, model }: Next): void {
  if (item) {
    writes.push({ put: item });
    if (before.mark) writes.push({ remove: keyOf(before.mark) });
    writes.push(...expiryWrites(model, { item, before: before.item }));
    return;
  }
  if (before.item) {
    writes.push({ remove: keyOf(before.item) }, ...expiryWrites(model, { before: before.item }));
  }
  if (mark) writes.push({ put: mark });
}

const keyOf = ({ pk, sk }: StoredKey): StoredKey => ({ pk, sk });
