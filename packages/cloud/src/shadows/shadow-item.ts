import type { ShadowRecord } from '@ioto/protocol';
import type { StoredItem, StoredKey } from '../ports/item-store.ts';

/** Which shadow of which device; without a name the classic one. */
export interface ShadowRef {
  accountId: string;
  thing: string;
  name?: string;
}

/**
 * A shadow in the store. Its trees are text: what they are made of is its owner's affair, names as `__proto__` included.
 */
interface ShadowItem extends StoredItem {
  state: string;
  metadata: string;
  version: number;
  /** Seconds since 1970. */
  updated: number;
}

/** What is left of one that was removed: the version that the next of its name goes on from. */
interface RemovedShadow extends StoredItem {
  gone: true;
  version: number;
  /** ISO time. */
  keepUntil: string;
}

/** How many named shadows a device has, and how many removed ones it has left since when. */
export interface ShadowCount {
  named: number;
  gone: number;
  /** Seconds since 1970. */
  goneSince: number;
}

export const CLASSIC = 'c';
export const NAMED = 'n#';
/** Names of the shadows that there are, without what is in them. */
export const NAMES = 'i#';
const COUNT = '#count';
/** Bytes that a shadow takes beside what is in it: its keys, and its name in the list. */
const BESIDE = 256;

export const shadowPartition = ({ accountId, thing }: ShadowRef) => `shadow#${accountId}#${thing}`;
/** Where shadows go when their account releases the device. */
export const archivedPartition = (ref: ShadowRef) => `archive#${shadowPartition(ref)}`;

export function shadowKey(ref: ShadowRef): StoredKey {
  return { pk: shadowPartition(ref), sk: ref.name === undefined ? CLASSIC : NAMED + ref.name };
}

export function nameKey(ref: ShadowRef, name: string): StoredKey {
  return { pk: shadowPartition(ref), sk: NAMES + name };
}

export function countKey(ref: ShadowRef): StoredKey {
  return { pk: shadowPartition(ref), sk: COUNT };
}

export function countOf(item: StoredItem | undefined): ShadowCount {
  const { named = 0, gone = 0, goneSince = 0 } = (item ?? {}) as Partial<ShadowCount>;
  return { named, gone, goneSince };
}

/** What an account has of shadows. */
export interface ShadowBytes {
  /** Of those that there are. */
  bytes: number;
  /** Of those put aside, since when, in seconds since 1970. */
  archived: number;
  archivedSince: number;
}

export function bytesKey(accountId: string): StoredKey {
  return { pk: `shadowbytes#${accountId}`, sk: COUNT };
}

export function bytesOf(item: StoredItem | undefined): ShadowBytes {
  const { bytes = 0, archived = 0, archivedSince = 0 } = (item ?? {}) as Partial<ShadowBytes>;
  return { bytes, archived, archivedSince };
}

/** Bytes that a shadow is counted with; 0 for what is none. */
export function sizeOf(item: StoredItem | undefined): number {
  if (typeof item?.state !== 'string') return 0;
  return BESIDE + Buffer.byteLength(item.state) + Buffer.byteLength(String(item.metadata));
}

export function isRemoved(item: StoredItem | undefined): item is RemovedShadow {
  return item?.gone === true;
}

export function itemOf(ref: ShadowRef, record: ShadowRecord, updated: number): ShadowItem {
  const { state, metadata, version } = record;
  return {
    ...shadowKey(ref),
    state: JSON.stringify(state),
    metadata: JSON.stringify(metadata),
    ...{ version, updated },
  };
}

/** The shadow in an item; undefined where there is none, or none any more. */
export function recordOf(item: StoredItem | undefined): ShadowRecord | undefined {
  if (!item || isRemoved(item)) return undefined;
  const { state, metadata, version } = item as ShadowItem;
  return { state: JSON.parse(state), metadata: JSON.parse(metadata), version };
}
