import { isBelievable } from './believable.ts';
import { compareTimes, compareVersions, nextTime, type Version } from './version.ts';

/** The latest unbelievable time that each device has dated its versions of an item with, by device ID. */
export type Claims = Readonly<Record<string, string>>;

/** What the cloud holds under a key: an item, or the mark of a removed one. */
export interface HeldByCloud extends Version {
  readonly claims?: Claims;
}

/** A version as a device sends it. */
export interface SentUp extends Omit<Version, 'updated'> {
  /** Missing where the device has no clock, or its agent does not say. */
  readonly updated?: string;
  readonly deviceId: string;
}

export type UpVerdict =
  /** It takes the place of what is held, under this time. `redated` when the device's own was not believed. */
  | {
      readonly kind: 'write';
      readonly updated: string;
      readonly claims?: Claims;
      readonly redated: boolean;
    }
  /** What is held is newer: the device is told. */
  | { readonly kind: 'stale' }
  /** It is what is held. */
  | { readonly kind: 'same' }
  /** It was dated anew when it first came; what is held may be newer. Only a device that knows of this is told again. */
  | { readonly kind: 'seen' };

/**
 * The newest version wins. One whose time is missing or lies too far ahead is dated by the cloud, as newer than what is
 * held, once: a copy of it is known by what the device claimed, or by its content.
 *
 * @param now The cloud's clock, in milliseconds.
 */
export function onUp(held: HeldByCloud | undefined, sent: SentUp, now: number): UpVerdict {
  const { updated, deviceId } = sent;
  if (updated !== undefined && isBelievable(updated, now)) {
    // A copy of one that was dated anew when its time was not to be believed yet.
    if (held?.claims?.[deviceId] === updated) return { kind: 'seen' };
    const order = held ? compareVersions({ ...sent, updated }, held) : 1;
    if (order > 0) return { kind: 'write', updated, claims: held?.claims, redated: false };
    return { kind: order < 0 ? 'stale' : 'same' };
  }
  if (updated === undefined) {
    if (held && isSameContent(held, sent)) return { kind: 'same' };
  } else {
    const claimed = held?.claims?.[deviceId];
    if (claimed !== undefined && compareTimes(updated, claimed) <= 0) return { kind: 'seen' };
  }
  const claims = updated === undefined ? held?.claims : { ...held?.claims, [deviceId]: updated };
  const time = new Date(nextTime(now, held?.updated)).toISOString();
  return { kind: 'write', updated: time, claims, redated: updated !== undefined };
}

function isSameContent(held: HeldByCloud, { removed, content }: SentUp): boolean {
  return Boolean(held.removed) === Boolean(removed) && held.content?.() === content?.();
}
