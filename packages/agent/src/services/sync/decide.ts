/** What to do with an item that came from the cloud. */
export type Decision = 'apply' | 'keep' | 'sendBack';

/**
 * Newest `updated` wins (Ioto contract §8). Times in milliseconds; `own` is that of the item held here, or of its removal
 * when that is still on its way up; undefined when nothing is known of it. An item without a time of its own is taken:
 * there is nothing to say that it is old.
 */
export function decide(own: number | undefined, incoming: number | undefined): Decision {
  if (own === undefined || incoming === undefined || incoming > own) return 'apply';
  return incoming === own ? 'keep' : 'sendBack';
}

/** Milliseconds of an `updated` field; undefined for one that is missing or no time. */
export function timeOf(value: unknown): number | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const time = new Date(value).getTime();
  return Number.isNaN(time) ? undefined : time;
}
