import { contentOf, type Model, timeOf } from '@ioto/database';
import { type HeldByCloud, onUp, type UpVerdict } from '@ioto/protocol';
import { type DeviceItem, mergeDeviceReport } from '../devices/device-item.ts';
import type { StoredItem, Write } from '../ports/item-store.ts';
import { expiryWrites } from './expiry-index.ts';
import { gonePartition, markOf, removalOf } from './gone-marks.ts';
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
  told: Told[];
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

export const idOf = ({ pk, sk }: { pk: string; sk: string }): string => `${pk}\n${sk}`;

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
  for (const change of changes) {
    const id = idOf(change.item);
    const current = after.get(id) ?? stored.get(id) ?? {};
    const { next, tell } = applied(change, current, moment);
    if (next) after.set(id, next);
    if (tell) told.set(id, tell);
    else if (next) told.delete(id);
  }
  const writes = [...after].flatMap(([id, next]) => writesFor(keyOf(id), stored.get(id) ?? {}, next));
  return { writes, told: [...told.values()] };
}

interface Next extends Current {
  model: Model;
}

interface Applied {
  /** The new state under the key; undefined when the change alters nothing. */
  next?: Next;
  tell?: Told;
}

function applied(change: IncomingChange, current: Current, moment: SyncMoment): Applied {
  const { item, model, remove } = change;
  if (model.name === 'Device') return { next: merged(change, current, moment) };
  const { deviceId, now } = moment;
  const content = () => contentOf(model, item);
  const sent = { updated: timeOf(item.updated), removed: remove, content, deviceId };
  const verdict = onUp(heldOf(model, current), sent, now);
  if (verdict.kind === 'write') {
    const next = { ...written(change, verdict, { ...moment, held: current.item }), model };
    const tell = verdict.redated ? tellOf(model, next) : undefined;
    return { next, tell: tell && { ...tell, redated: true } };
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
  { now, arrived, deviceId, isLean, held }: SyncMoment & { held?: StoredItem },
): Current {
  const facts = { arrived, by: deviceId, claims };
  if (!remove) {
    const created = model.created && (held?.[model.created] ?? (isLean ? updated : undefined));
    const since = model.created && created !== undefined && { [model.created]: created };
    return { item: withSyncFacts({ ...since, ...item, updated }, facts) };
  }
  return { mark: markOf(model, item, { updated, now: new Date(now).toISOString(), facts }) };
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

function keyOf(id: string): { pk: string; sk: string } {
  const at = id.indexOf('\n');
  return { pk: id.slice(0, at), sk: id.slice(at + 1) };
}

/** Conditions hold the batch to what the plan was made from. */
function writesFor(key: { pk: string; sk: string }, before: Current, { item, mark, model }: Next): Write[] {
  const unchanged = before.item ? { equals: { ...before.item } } : { absent: true as const };
  const markKey = { pk: gonePartition(key.pk), sk: key.sk };
  const sameMark = before.mark ? { equals: { ...before.mark } } : { absent: true as const };
  if (item) {
    const unmark: Write[] = before.mark ? [{ remove: markKey, if: sameMark }] : [];
    return [{ put: item, if: unchanged }, ...unmark, ...expiryWrites(model, item)];
  }
  const put: Write[] = mark ? [{ put: mark, if: sameMark }] : [];
  return [...(before.item ? [{ remove: key, if: unchanged }] : []), ...put];
}
