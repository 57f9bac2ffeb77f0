import type { Pending } from './outbox-table.ts';

/** The entries of one model, oldest first. */
export interface ModelRow {
  readonly priority: number;
  values(): Iterator<Pending>;
}

/** Every this many entries one goes that has waited longest, whatever its priority: so that none waits for ever. */
export const OLDEST_EVERY = 10;

interface Lane {
  readonly priority: number;
  readonly rest: Iterator<Pending>;
  next: Pending | undefined;
}

/**
 * The entries in the order in which they are to go up: by priority, the highest first, and of one priority the oldest
 * first; every tenth is the oldest of all.
 *
 * @param served How many went before, over all batches: a batch may have room for fewer than ten.
 */
export function* sendOrder(
  rows: Iterable<ModelRow>,
  served: number,
  isReady: (entry: Pending) => boolean,
): Generator<Pending, void> {
  const lanes: Lane[] = [];
  for (const row of rows) {
    const lane: Lane = { priority: row.priority, rest: row.values(), next: undefined };
    advance(lane, isReady);
    lanes.push(lane);
  }
  for (let slot = served + 1; ; slot += 1) {
    const lane = slot % OLDEST_EVERY === 0 ? best(lanes, isOlder) : best(lanes, isMoreUrgent);
    if (!lane?.next) return;
    yield lane.next;
    advance(lane, isReady);
  }
}

function advance(lane: Lane, isReady: (entry: Pending) => boolean): void {
  do {
    lane.next = lane.rest.next().value ?? undefined;
  } while (lane.next && !isReady(lane.next));
}

function best(lanes: readonly Lane[], isBefore: (one: Lane, other: Lane) => boolean): Lane | undefined {
  let found: Lane | undefined;
  for (const lane of lanes) {
    if (lane.next && (!found || isBefore(lane, found))) found = lane;
  }
  return found;
}

function isOlder({ next: one }: Lane, { next: other }: Lane): boolean {
  return (one?.version ?? 0) < (other?.version ?? 0);
}

function isMoreUrgent(one: Lane, other: Lane): boolean {
  return one.priority === other.priority ? isOlder(one, other) : one.priority > other.priority;
}
