import {
  canonicalDimensions,
  type MetricDimensions,
  type MetricSketch,
  mergeSketches,
  sketchOf,
} from '@ioto/protocol';

/** The series that a sample is for. */
export interface MetricName {
  metric: string;
  dimensions: readonly MetricDimensions[];
}

/** Samples of one metric and its dimensions that go up as one message. */
export interface Lot extends MetricName {
  /** When the latest was taken, milliseconds since the epoch. */
  at: number;
  count: number;
  sum: number;
  min: number;
  max: number;
  /** The latest. */
  last: number;
  sketch: MetricSketch;
}

interface Entry {
  key: string;
  lot: Lot;
  /** When it is to go up, milliseconds since the epoch. */
  due: number;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Intervals of all series that are held at most: some 300 KB, and up to 3 MB of metrics that go all over the place. */
const MOST = 2000;

/**
 * Samples that wait on the device, put together by intervals. These are no finer than what the cloud keeps of samples that
 * old, so that putting them together loses nothing: five minutes in the last hour, two hours in the last day, then twelve.
 */
export class MetricBuffer {
  readonly #entries = new Map<string, Entry>();
  /** Samples that there was no room for. */
  lost = 0;
  /** When the intervals were last looked at, milliseconds since the epoch. */
  #regrouped = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** @param due When it is to go up at the latest, with all that waits of its interval. */
  add(name: MetricName, value: number, { now, due }: { now: number; due: number }): void {
    const lot = lotOf(name, value, now);
    this.#put({ key: keyOf(lot, now), lot, due });
    if (this.#entries.size > MOST) this.#shrink(now);
  }

  /** Takes out the earliest lot that is due at `now`; undefined when none is. */
  take(now: number): Lot | undefined {
    let first: Entry | undefined;
    for (const entry of this.#entries.values()) {
      if (entry.due <= now && (!first || entry.lot.at < first.lot.at)) first = entry;
    }
    if (first) this.#entries.delete(first.key);
    return first?.lot;
  }

  /** When the next lot is due; undefined when none waits. */
  nextDue(): number | undefined {
    let next: number | undefined;
    for (const { due } of this.#entries.values()) if (next === undefined || due < next) next = due;
    return next;
  }

  clear(): void {
    this.#entries.clear();
  }

  #put(entry: Entry): void {
    const held = this.#entries.get(entry.key);
    if (!held) this.#entries.set(entry.key, entry);
    else {
      held.lot = together(held.lot, entry.lot);
      held.due = Math.min(held.due, entry.due);
    }
  }

  /** By the intervals of what has grown old meanwhile; when that is not enough the oldest is lost. */
  #shrink(now: number): void {
    // In less time hardly anything has.
    if (Math.abs(now - this.#regrouped) >= 5 * MINUTE) this.#regroup(now);
    while (this.#entries.size > MOST) {
      const oldest = [...this.#entries.values()].reduce((a, b) => (b.lot.at < a.lot.at ? b : a));
      this.#entries.delete(oldest.key);
      this.lost += oldest.lot.count;
    }
  }

  #regroup(now: number): void {
    this.#regrouped = now;
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const { lot, due } of entries) this.#put({ key: keyOf(lot, now), lot, due });
  }
}

/** One sample. */
export function lotOf(name: MetricName, value: number, at: number): Lot {
  return {
    ...{ ...name, at, count: 1, sum: value },
    ...{ min: value, max: value, last: value, sketch: sketchOf(value) },
  };
}

function together(a: Lot, b: Lot): Lot {
  const latest = b.at >= a.at ? b : a;
  const sum = a.sum + b.sum;
  return {
    ...latest,
    count: a.count + b.count,
    // Infinity has no JSON.
    sum: Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, sum)),
    min: Math.min(a.min, b.min),
    max: Math.max(a.max, b.max),
    sketch: mergeSketches(a.sketch, b.sketch),
  };
}

function keyOf({ metric, dimensions, at }: Lot, now: number): string {
  const interval = intervalFor(now - at);
  const series = dimensions.map(canonicalDimensions).sort();
  return JSON.stringify([metric, series, interval, Math.floor(at / interval)]);
}

function intervalFor(age: number): number {
  if (age < HOUR) return 5 * MINUTE;
  return age < 24 * HOUR ? 2 * HOUR : 12 * HOUR;
}
