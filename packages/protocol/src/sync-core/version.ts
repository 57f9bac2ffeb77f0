/** One version of an item, or its removal: what the ends of a sync compare (Ioto contract §8). */
export interface Version {
  /** When it was made, by its maker's clock; ISO 8601. */
  readonly updated: string;
  /** True for the removal of the item. */
  readonly removed?: boolean;
  /** Its canonical text, the same at every end. Asked for only where times are equal. */
  readonly content?: () => string;
}

/** The latest time that a date can hold, in milliseconds. */
const LATEST = 8.64e15;
/** Characters of `2026-01-01T00:00:00.000Z`: texts of this length sort as their times do. */
const ISO_LENGTH = 24;

/**
 * Less than 0 when `b` is newer, more than 0 when `a` is, 0 when they are the same. A total order, and the same at every
 * end, so that ends which hold the same versions choose the same: the later time; of equal times the item rather than
 * its removal, which loses nothing; then the larger content.
 */
export function compareVersions(a: Version, b: Version): number {
  const byTime = compareTimes(a.updated, b.updated);
  if (byTime !== 0) return byTime;
  if (a.removed || b.removed) return Number(b.removed ?? false) - Number(a.removed ?? false);
  const [one, other] = [a.content?.() ?? '', b.content?.() ?? ''];
  return one === other ? 0 : one < other ? -1 : 1;
}

/** Compares two ISO times; a text that is none is earlier than all. */
export function compareTimes(a: string, b: string): number {
  if (a === b) return 0;
  if (a.length === ISO_LENGTH && b.length === ISO_LENGTH) return a < b ? -1 : 1;
  return Math.sign(millisecondsOf(a) - millisecondsOf(b)) || 0;
}

/**
 * The time of a new version, in milliseconds: now, but later than every version of the item that its maker has seen, so
 * that it counts as newer even when the clock was set back, stands still, or is behind another's.
 *
 * @param seen ISO texts or milliseconds; whatever is no time is passed over.
 */
export function nextTime(now: number, ...seen: readonly unknown[]): number {
  let time = now;
  for (const each of seen) {
    const before =
      typeof each === 'string' || typeof each === 'number' ? new Date(each).getTime() : Number.NaN;
    if (before >= time) time = Math.min(before + 1, LATEST);
  }
  return time;
}

function millisecondsOf(time: string): number {
  const milliseconds = Date.parse(time);
  return Number.isNaN(milliseconds) ? Number.NEGATIVE_INFINITY : milliseconds;
}
