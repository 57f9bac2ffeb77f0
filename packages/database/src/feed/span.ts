import type { Pending } from './outbox-table.ts';

/**
 * A part of the order of versions, beyond `after` up to `through`, within which no change waits but those that it is the
 * span of. The cloud that has them, and everything up to `after`, has everything up to `through`: of each item the latest
 * change of a version up to that, unless a later change has taken its place, which then waits in its own.
 */
export interface Span {
  readonly after: number;
  readonly through: number;
  /** Entries that wait and are not under way. */
  readonly pending: number;
}

export interface SpanFacts {
  readonly versions: ReadonlySet<number>;
  readonly underWay: ReadonlySet<number>;
  readonly latest: number;
}

/**
 * The span of some of the entries that wait. It never goes beyond what is on disk: versions beyond that may be given out
 * again, and an entry whose commit is under way may yet give its place back to the one before it.
 *
 * @param entries All that wait, in any order.
 * @param facts.versions Of those that the span is of.
 * @param facts.underWay Versions that wait for their acknowledgement.
 * @param facts.latest The latest version on disk.
 */
export function spanOf(entries: Iterable<Pending>, { versions, underWay, latest }: SpanFacts): Span {
  let first = Number.POSITIVE_INFINITY;
  for (const version of versions) first = Math.min(first, version);
  let after = 0;
  let through = latest;
  let pending = 0;
  const waits = (version: number) => {
    if (version < first) after = Math.max(after, version);
    else through = Math.min(through, version - 1);
  };
  for (const { version, since, durable } of entries) {
    if (!underWay.has(version)) pending += 1;
    if (!versions.has(version)) waits(version);
    if (!durable && since !== undefined && !versions.has(since)) waits(since);
  }
  return { after, through, pending };
}
