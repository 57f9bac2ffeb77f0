import { isBelievable } from './believable.ts';
import { type Claims, type HeldByCloud, onUp, type SentUp } from './cloud-end.ts';
import { type DownFacts, type HeldByDevice, onDown } from './device-end.ts';
import { isSameMerge, type MergeItem, mergeItems, readFieldTimes } from './field-merge.ts';
import { compareTimes, nextTime } from './version.ts';

/** What a device does with an item of a merging model that came from the cloud. */
export type MergeDownVerdict =
  | { readonly kind: 'keep' | 'sendBack' }
  /** To be held instead; missing for what came, as it came. With `waits`, it goes up: the cloud does not have it so. */
  | { readonly kind: 'apply'; readonly merged?: MergeItem; readonly waits: boolean };

export interface MergeFacts extends DownFacts {
  /** The fields of the model that are merged. */
  readonly names: readonly string[];
}

/** A version, and the item itself where it is no removal. */
type Merging<V> = V & { readonly item?: MergeItem };

/**
 * As `onDown`, but what both ends have is merged by field. A removal is compared with the whole item: the later wins.
 */
export function onDownMerging(
  held: Merging<HeldByDevice> | undefined,
  incoming: Merging<{ readonly updated: string; readonly removed?: boolean }>,
  facts: MergeFacts,
): MergeDownVerdict {
  const { names, syncsUp, cloudNow } = facts;
  const own = held?.item;
  const other = incoming.item;
  const isDatedAnew =
    cloudNow !== undefined && held !== undefined && !held.waiting && !isBelievable(held.updated, cloudNow);
  if (!held || !own || !other || isDatedAnew) {
    const kind = onDown(held, incoming, facts);
    return kind === 'apply' ? { kind, waits: false } : { kind };
  }
  const merged = mergeItems(own, other, names);
  if (isEqual(merged, own, names)) {
    if (isEqual(other, own, names) || held.waiting || !syncsUp) return { kind: 'keep' };
    return { kind: 'sendBack' };
  }
  if (isEqual(merged, other, names)) return { kind: 'apply', waits: false };
  return { kind: 'apply', merged, waits: syncsUp };
}

/** What the cloud does with an item of a merging model that a device sent. */
export type MergeUpVerdict =
  | {
      readonly kind: 'write';
      /** As it is to be held; undefined for a removal. */
      readonly item?: MergeItem;
      readonly updated: string;
      readonly claims?: Claims;
      /** What is held is not what the device sent: it is told. */
      readonly tell: boolean;
    }
  | { readonly kind: 'stale' | 'same' | 'seen' };

/** As `onUp`, but what both ends have is merged by field. */
export function onUpMerging(
  held: Merging<HeldByCloud> | undefined,
  sent: Merging<SentUp>,
  { names, now }: { readonly names: readonly string[]; readonly now: number },
): MergeUpVerdict {
  const verdict = onUp(held, sent, now);
  const own = held?.item;
  const isUndated = sent.updated === undefined || !isBelievable(sent.updated, now);
  if (!sent.item || !own || verdict.kind === 'seen' || (isUndated && verdict.kind !== 'write')) {
    if (verdict.kind !== 'write') return verdict;
    const { updated, claims, redated } = verdict;
    return { kind: 'write', item: sent.item && dated(sent.item, updated), updated, claims, tell: redated };
  }
  const { updated, claims } =
    verdict.kind === 'write' ? verdict : { updated: sent.updated as string, claims: held?.claims };
  const incoming = dated(sent.item, updated);
  const merged = mergeItems(own, incoming, names);
  if (isEqual(merged, own, names)) return { kind: isEqual(incoming, own, names) ? 'same' : 'stale' };
  if (isEqual(merged, incoming, names)) {
    return { kind: 'write', item: incoming, updated, claims, tell: updated !== sent.updated };
  }
  // Newer than both, so that a device which compares whole items takes it, too.
  const time = new Date(nextTime(0, own.updated, updated)).toISOString();
  return { kind: 'write', item: { ...merged, updated: time }, updated: time, claims, tell: true };
}

/** The item under the time that the cloud gives it: no field of it is later. */
function dated(item: MergeItem, updated: string): MergeItem {
  return { ...item, updated, times: readFieldTimes(item.times, updated) };
}

function isEqual(a: MergeItem, b: MergeItem, names: readonly string[]): boolean {
  return compareTimes(a.updated, b.updated) === 0 && isSameMerge(a, b, names);
}
