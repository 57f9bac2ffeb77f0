import { isBelievable } from './believable.ts';
import { compareVersions, type Version } from './version.ts';

/** What a device does with a version that came from the cloud. */
export type DownVerdict =
  /** It takes the place of what is held. */
  | 'apply'
  /** It is what is held, or older, where nothing needs to be done about it. */
  | 'keep'
  /** It is older: the cloud gets what is held (Ioto contract §8). */
  | 'sendBack';

/** What a device holds under a key: an item, or the memory of a removal. */
export interface HeldByDevice extends Version {
  /** It has not been acknowledged by the cloud. */
  readonly waiting: boolean;
}

export interface DownFacts {
  /** The model's changes go up at all. */
  readonly syncsUp: boolean;
  /** The cloud's clock, in milliseconds, as far as it is known. */
  readonly cloudNow?: number;
}

/** Milliseconds by which what is known of the cloud's clock may be wrong. */
const SLACK = 60_000;

/**
 * The newest version wins. A version without a time of its own is taken: there is nothing to say that it is old. So is
 * what the cloud sends in the place of a version that was dated by a clock far ahead: the cloud did not believe that
 * date and has given it another.
 */
export function onDown(
  held: HeldByDevice | undefined,
  incoming: Version | undefined,
  { syncsUp, cloudNow }: DownFacts,
): DownVerdict {
  if (!held || !incoming) return 'apply';
  const order = compareVersions(incoming, held);
  if (order > 0) return 'apply';
  if (order === 0) return 'keep';
  // What waits goes up by itself, and not before it is on disk.
  if (held.waiting) return 'keep';
  if (cloudNow !== undefined && isRedated(held, incoming, cloudNow)) return 'apply';
  return syncsUp ? 'sendBack' : 'keep';
}

function isRedated(held: Version, incoming: Version, cloudNow: number): boolean {
  return !isBelievable(held.updated, cloudNow, SLACK) && isBelievable(incoming.updated, cloudNow, SLACK);
}
