/**
 * How samples are distributed, in little room: numbers are counted in buckets, each 2 % wider than the one before, so that
 * whatever is asked of them is known to 1 %. Sketches of many samples are added up without loss. What is spread over more
 * than `MOST_BUCKETS` buckets is put together in pairs, as often as it takes: each time what is known is half as exact.
 * Plain data, as it is stored and sent.
 */
export interface MetricSketch {
  /** How often buckets were put together in pairs; absent for never. */
  readonly k?: number;
  /** Zeros. */
  readonly z?: number;
  /** Of positive numbers: bucket and count by turns, in the order of buckets. Bucket i has what is over g^(i-1), up to g^i. */
  readonly p?: readonly number[];
  /** Of negative numbers, by their absolute value. */
  readonly n?: readonly number[];
}

/** Buckets of one sketch: some 1.5 KB of text. */
export const MOST_BUCKETS = 160;

const LOG_BASE = Math.log(1.02);
/** All doubles are in some 70,000 buckets. */
const OUTERMOST = 40_000;
const MOST_HALVINGS = 17;

/** Of one number, so many times. */
export function sketchOf(value: number, count = 1): MetricSketch {
  if (value === 0) return { z: count };
  return value > 0 ? { p: [bucketOf(value), count] } : { n: [bucketOf(value), count] };
}

/** Of many numbers, each so many times: what merging their sketches one after the other gives, in less time. */
export function sketchOfAll(samples: Iterable<{ value: number; count: number }>): MetricSketch {
  const [positive, negative] = [new Map<number, number>(), new Map<number, number>()];
  let z = 0;
  for (const { value, count } of samples) {
    if (value === 0) z += count;
    else {
      const side = value > 0 ? positive : negative;
      const bucket = bucketOf(value);
      side.set(bucket, (side.get(bucket) ?? 0) + count);
    }
  }
  const list = (side: ReadonlyMap<number, number>) => [...side].sort(([a], [b]) => a - b).flat();
  return tidy(0, z, list(positive), list(negative));
}

function bucketOf(value: number): number {
  return Math.ceil(Math.log(Math.abs(value)) / LOG_BASE) + 0;
}

/** Both together. The order in which many are put together makes no difference. */
export function mergeSketches(a: MetricSketch, b: MetricSketch): MetricSketch {
  return combine(a, b, (one, other) => one + other);
}

/** What is left of `a` when `b`, which is a part of it, is taken out. */
export function subtractSketch(a: MetricSketch, b: MetricSketch): MetricSketch {
  return combine(a, b, (one, other) => one - other);
}

/** Samples in it. */
export function sketchCount({ z = 0, p = [], n = [] }: MetricSketch): number {
  const sum = (list: readonly number[]) =>
    list.reduce((all, each, at) => (at % 2 === 1 ? all + each : all), 0);
  return z + sum(p) + sum(n);
}

/**
 * The number that a share of the samples does not exceed, to 1 % (or less exactly, see `k`); undefined of none.
 *
 * @param share 0 to 1: 0.5 for the median.
 */
export function quantile(sketch: MetricSketch, share: number): number | undefined {
  const { k = 0, z = 0, p = [], n = [] } = sketch;
  const base = Math.exp(LOG_BASE * 2 ** k);
  const middle = (bucket: number) => (2 * base ** bucket) / (base + 1);
  const rank = share * Math.max(0, sketchCount(sketch) - 1);
  let passed = 0;
  for (let at = n.length - 2; at >= 0; at -= 2) {
    passed += n[at + 1] as number;
    if (passed > rank) return -middle(n[at] as number);
  }
  passed += z;
  if (passed > rank) return 0;
  for (let at = 0; at < p.length; at += 2) {
    passed += p[at + 1] as number;
    if (passed > rank) return middle(p[at] as number);
  }
  return p.length > 0 ? middle(p[p.length - 2] as number) : undefined;
}

/** One that somebody else has made; undefined for what is none of `count` samples. */
export function readSketch(value: unknown, count: number): MetricSketch | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { k = 0, z = 0, p = [], n = [] } = value as { [part in keyof MetricSketch]: unknown };
  const isSound =
    Number.isInteger(k) &&
    (k as number) >= 0 &&
    (k as number) <= MOST_HALVINGS &&
    isCount(z) &&
    isList(p) &&
    isList(n);
  if (!isSound) return undefined;
  const sketch = tidy(k as number, z as number, p as number[], n as number[]);
  return sketchCount(sketch) === count ? sketch : undefined;
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value);
}

function isList(list: unknown): list is number[] {
  if (!Array.isArray(list) || list.length % 2 !== 0 || list.length > 2 * MOST_BUCKETS) return false;
  return list.every((each: unknown, at) => {
    if (at % 2 === 1) return isCount(each) && each !== 0;
    const isBucket = Number.isInteger(each) && Math.abs(each as number) <= OUTERMOST;
    return isBucket && (at === 0 || (list[at - 2] as number) < (each as number));
  });
}

type Operation = (one: number, other: number) => number;

function combine(a: MetricSketch, b: MetricSketch, operation: Operation): MetricSketch {
  const k = Math.max(a.k ?? 0, b.k ?? 0);
  const side = (name: 'p' | 'n') =>
    join(halved(a[name], k - (a.k ?? 0)), halved(b[name], k - (b.k ?? 0)), operation);
  return tidy(k, Math.max(0, operation(a.z ?? 0, b.z ?? 0)), side('p'), side('n'));
}

/** Coarse enough to be small, and without what is empty. */
function tidy(
  level: number,
  z: number,
  positive: readonly number[],
  negative: readonly number[],
): MetricSketch {
  let [k, p, n] = [level, positive, negative];
  while (p.length + n.length > 2 * MOST_BUCKETS) {
    k += 1;
    p = halved(p, 1);
    n = halved(n, 1);
  }
  return {
    ...(k > 0 && { k }),
    ...(z > 0 && { z }),
    ...(p.length > 0 && { p }),
    ...(n.length > 0 && { n }),
  };
}

/** The same with buckets put together in pairs so many times. */
function halved(list: readonly number[] = [], times: number): readonly number[] {
  if (times <= 0) return list;
  const half: number[] = [];
  for (let at = 0; at < list.length; at += 2) {
    const bucket = Math.ceil((list[at] as number) / 2) + 0;
    const count = list[at + 1] as number;
    if (half.at(-2) === bucket) half[half.length - 1] = (half.at(-1) as number) + count;
    else half.push(bucket, count);
  }
  return halved(half, times - 1);
}

/** Two lists as one, counts of the same bucket by the operation; buckets that have none then are left out. */
function join(a: readonly number[], b: readonly number[], operation: Operation): number[] {
  const joined: number[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const ofA = a[i] ?? Number.POSITIVE_INFINITY;
    const ofB = b[j] ?? Number.POSITIVE_INFINITY;
    const count = operation(ofA <= ofB ? (a[i + 1] as number) : 0, ofB <= ofA ? (b[j + 1] as number) : 0);
    if (count > 0) joined.push(Math.min(ofA, ofB), count);
    if (ofA <= ofB) i += 2;
    if (ofB <= ofA) j += 2;
  }
  return joined;
}
