import { contentOf, type Model, mergeItemOf } from '@ioto/database';
import { compareTimes, type MergeItem } from '@ioto/protocol';
import type { StoredItem } from '../../ports/item-store.ts';
import { syncFactsOf } from '../items/sync-facts.ts';

/** One side of a conflict. */
export interface ConflictSide {
  /** Of its version; ISO 8601. */
  updated: string;
  /** The device that made it; undefined for the owner. */
  by?: string;
  removed?: boolean;
  /** Its fields, or those that were lost, unless they are too large to be kept twice. */
  fields?: Record<string, unknown>;
}

/** A version, or values of an item that is merged by field, that lost against one whose writer had not seen it. */
export interface Conflict {
  model: string;
  key: string;
  kept: ConflictSide;
  lost: ConflictSide;
}

/** What a device sent, what is held, and what was made of both. */
export interface Meeting {
  model: Model;
  deviceId: string;
  sent: { item: StoredItem; removed: boolean; updated: string; base?: string };
  /** An item, or the mark of a removed one. */
  held: { item: StoredItem; removed: boolean };
  /** What the device sent is kept, whole or, in a model that is merged by field, in part. */
  isWritten: boolean;
  /** The kept item, where it is merged by field. */
  merged?: MergeItem;
}

/** Characters of fields, as JSON, that are kept of a side. */
const LARGEST = 8 * 1024;

/** A device's own earlier version, with which nothing of it is in conflict. */
export function isOwn(held: StoredItem, deviceId: string): boolean {
  return syncFactsOf(held)?.by === deviceId;
}

/**
 * The conflict in a change of what another made, if it is one. A copy of a version that somebody has replaced since is
 * none: its replacement was made with it in sight.
 */
export function conflictOf(meeting: Meeting): Conflict | undefined {
  const { model, deviceId, sent, held } = meeting;
  const facts = syncFactsOf(held.item);
  const over = facts?.over ?? {};
  const replaced = over[deviceId];
  if (replaced !== undefined && compareTimes(sent.updated, replaced) <= 0) return undefined;
  if (Object.values(over).includes(sent.updated)) return undefined;
  // The device had seen what is held here: its change replaces it on purpose.
  if (sent.base !== undefined && compareTimes(String(held.item.updated), sent.base) <= 0) return undefined;
  const key = held.item.sk;
  const [ours, theirs] = [
    sideOf(sent, deviceId),
    sideOf({ ...held, updated: String(held.item.updated) }, facts?.by),
  ];
  if (model.merges && !sent.removed && !held.removed)
    return fieldConflict(meeting, { model: model.name, key, own: ours, other: theirs });
  if (meeting.isWritten) {
    // Without its base nobody knows what the device had seen.
    if (sent.base === undefined || isSame(meeting)) return undefined;
    return { model: model.name, key, kept: ours, lost: withFields(theirs, model, held.item) };
  }
  if (isSame(meeting)) return undefined;
  return { model: model.name, key, kept: theirs, lost: withFields(ours, model, sent.item) };
}

interface Sides {
  model: string;
  key: string;
  own: ConflictSide;
  other: ConflictSide;
}

/** Values that the merge did not keep although they were new: those of the device, or else those that it replaced unseen. */
function fieldConflict(meeting: Meeting, { model, key, own, other }: Sides): Conflict | undefined {
  const { sent, held, merged } = meeting;
  const ours = mergeItemOf(meeting.model, sent.item);
  const theirs = mergeItemOf(meeting.model, held.item);
  const kept = merged ?? theirs;
  if (!ours || !theirs || !kept) return undefined;
  const since = sent.base ?? '';
  const newSince = (item: MergeItem, name: string) =>
    compareTimes(item.times?.[name] ?? item.times?.['*'] ?? item.updated, since) > 0;
  const lost = (loser: MergeItem, winner: MergeItem) =>
    meeting.model.mergeNames.filter(
      (name) =>
        newSince(loser, name) &&
        newSince(winner, name) &&
        JSON.stringify(loser.fields[name]) !== JSON.stringify(kept.fields[name]),
    );
  const pick = (item: MergeItem, names: string[]) =>
    bounded(Object.fromEntries(names.map((name) => [name, item.fields[name] ?? null])));
  const oursLost = lost(ours, theirs);
  if (oursLost.length > 0) return { model, key, kept: other, lost: { ...own, fields: pick(ours, oursLost) } };
  const theirsLost = sent.base === undefined ? [] : lost(theirs, ours);
  if (theirsLost.length === 0) return undefined;
  return { model, key, kept: own, lost: { ...other, fields: pick(theirs, theirsLost) } };
}

function sideOf(
  { updated, removed }: { updated: string; removed: boolean },
  by: string | undefined,
): ConflictSide {
  return { updated, ...(by && { by }), ...(removed && { removed }) };
}

function isSame({ model, sent, held }: Meeting): boolean {
  if (sent.removed || held.removed) return sent.removed === held.removed;
  return contentOf(model, sent.item) === contentOf(model, held.item);
}

function withFields(side: ConflictSide, model: Model, item: StoredItem): ConflictSide {
  if (side.removed) return side;
  const fields = Object.fromEntries(
    model.content.flatMap(({ name }) => (item[name] === undefined ? [] : [[name, item[name]]])),
  );
  return { ...side, fields: bounded(fields) };
}

function bounded(fields: Record<string, unknown>): Record<string, unknown> | undefined {
  return JSON.stringify(fields).length <= LARGEST ? fields : undefined;
}
