import { subtractSketch } from '@ioto/protocol';
import { type Kept, type Point, SPANS, spanFor, together } from './spans.ts';

/** What was measured in an interval of so many milliseconds. */
export interface LongPoint extends Point {
  interval: number;
}

/**
 * The points of a time, each as fine as it is held: the last minutes by half minutes, what is before them by ever longer
 * intervals. What was measured is in one of them, once. The first may begin before `from`. Pure.
 *
 * @param from Milliseconds since the epoch, as `to`, which is not included, and `now`.
 */
export function finestPoints(
  kept: Kept | undefined,
  { from, to, now }: { from: number; to: number; now: number },
): LongPoint[] {
  const coarsest = SPANS.indexOf(spanFor(Math.max(0, now - from)));
  let points = heldOf(kept, coarsest, now);
  for (let span = coarsest - 1; span >= 0; span -= 1) points = refined(points, heldOf(kept, span, now));
  return points.filter(({ at, interval }) => at + interval > from && at < to).sort((a, b) => a.at - b.at);
}

/** Those of one span that are not older than it reaches. */
function heldOf(kept: Kept | undefined, span: number, now: number): LongPoint[] {
  const { period, interval } = SPANS[span] as (typeof SPANS)[number];
  return (kept?.spans[span] ?? [])
    .filter(({ at }) => at + interval > now - period)
    .map((point) => ({ ...point, interval }));
}

/** The finer points in the place of what they are of the coarse ones. */
function refined(coarse: readonly LongPoint[], fine: readonly LongPoint[]): LongPoint[] {
  return coarse.flatMap((point) => {
    const parts = fine.filter(({ at }) => at >= point.at && at < point.at + point.interval);
    const rest = without(point, parts);
    return rest ? [rest, ...parts] : parts;
  });
}

/**
 * What of a point is not in its parts; undefined when nothing is. Of the least and greatest is known only that they are
 * no further out. (A month is no multiple of two days: there a part may belong to the next one by some hours.)
 */
function without(point: LongPoint, parts: readonly Point[]): LongPoint | undefined {
  const [first, ...others] = parts;
  if (!first) return point;
  const taken = others.reduce(together, first);
  const count = point.count - taken.count;
  if (count <= 0) return undefined;
  const { sketch, ...facts } = point;
  return {
    ...facts,
    count,
    sum: point.sum - taken.sum,
    ...(sketch && taken.sketch && { sketch: subtractSketch(sketch, taken.sketch) }),
  };
}
