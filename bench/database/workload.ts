import { rawAppendRate } from './raw-append.ts';
import { type Reading, reading, type Store, type Subject } from './subject.ts';

const ITEMS = 100_000;
const SCANNED = 10_000;
const IN_FLIGHT = 100;
/** What an item takes in a journal, about. */
const ITEM_BYTES = 300;
/** Milliseconds that each kind of read is repeated for, in rounds; the fastest round counts, as the warmest one. */
const READ_TIME = 1500;
/** Milliseconds that a round lasts at least. */
const ROUND_TIME = 40;

/** Operations per second; NaN for what a database cannot do. */
export interface Rates {
  one: number;
  /** Raw append and sync, measured between the creates. */
  raw: number;
  /** Items per second, when raw appends of so many items at once are synced as one. */
  rawMany: number;
  many: number;
  getByKey: number;
  get: number;
  page: number;
  find: number;
}

/** All of the bench's work with one database; leaves it with 100,000 readings and closed. */
export async function run(subject: Subject, directory: string): Promise<Rates> {
  const store = await subject.open(directory);
  try {
    const { one, raw } = await createsOneByOne(subject, store, directory);
    const before = rawManyRate(directory);
    const many = await createsSideBySide(store);
    const rawMany = (before + rawManyRate(directory)) / 2;
    const ids = sample();
    const keys = ids.map((id) => store.key?.(id));
    const groups = Array.from({ length: 1000 }, (_, at) => reading(at).group);
    const { getByKey } = store;
    return {
      one,
      raw,
      rawMany,
      many,
      getByKey: getByKey ? await perSecond((at) => getByKey(keys[at % keys.length])) : Number.NaN,
      get: await perSecond((at) => store.get(ids[at % ids.length] as string)),
      page: await perSecond((at) => store.page(groups[at % 1000] as string)),
      find: await findRate(subject, `${directory}-small`),
    };
  } finally {
    await store.close();
  }
}

/**
 * Rounds of both in turn, so that whatever else the machine does falls on both; the median of the rounds counts, after
 * as many creates as it takes for the code to be compiled.
 */
async function createsOneByOne(subject: Subject, store: Store, directory: string) {
  const [warmUp, rounds] = subject.durable ? [4000, 15] : [1000, 3];
  const samples: { one: number; raw: number }[] = [];
  let at = ITEMS;
  while (at < ITEMS + warmUp) await store.create(reading(at++));
  for (let round = 0; round < rounds; round += 1) {
    const raw = rawAppendRate(directory, ITEM_BYTES, 100);
    const started = performance.now();
    for (let count = 0; count < 100; count += 1) await store.create(reading(at++));
    samples.push({ raw, one: 100_000 / (performance.now() - started) });
  }
  return { one: median(samples.map(({ one }) => one)), raw: median(samples.map(({ raw }) => raw)) };
}

function rawManyRate(directory: string): number {
  return IN_FLIGHT * rawAppendRate(directory, IN_FLIGHT * ITEM_BYTES, 100);
}

async function createsSideBySide(store: Store): Promise<number> {
  const started = performance.now();
  let next = 0;
  if (store.createMany) {
    while (next < ITEMS) {
      const batch: Reading[] = [];
      while (batch.length < IN_FLIGHT) batch.push(reading(next++));
      await store.createMany(batch);
    }
  } else {
    const writer = async () => {
      while (next < ITEMS) await store.create(reading(next++));
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, writer));
  }
  return (ITEMS / (performance.now() - started)) * 1000;
}

async function findRate(subject: Subject, directory: string): Promise<number> {
  const store = await subject.open(directory);
  try {
    let next = 0;
    while (next < SCANNED) {
      const batch = Array.from({ length: 1000 }, () => reading(next++));
      if (store.createMany) await store.createMany(batch);
      else await Promise.all(batch.map((one) => store.create(one)));
    }
    return await perSecond((at) => store.find((at * 7919) % SCANNED));
  } finally {
    await store.close();
  }
}

async function perSecond(operation: (at: number) => unknown): Promise<number> {
  const until = performance.now() + READ_TIME;
  let best = 0;
  let at = 0;
  while (performance.now() < until) {
    const started = performance.now();
    const first = at;
    do {
      for (const end = at + 16; at < end; at += 1) {
        const found = operation(at);
        requireFound(isThenable(found) ? await found : found);
      }
    } while (performance.now() - started < ROUND_TIME);
    best = Math.max(best, ((at - first) / (performance.now() - started)) * 1000);
  }
  return best;
}

/** Some databases answer with promises of their own making. */
function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value;
}

function requireFound(found: unknown): void {
  if (found === undefined || found === null || (found as { length?: number }).length === 0) {
    throw new Error('the database did not find what is there');
  }
}

/** IDs in no order, few enough that making them costs nothing while the clock runs. */
function sample(): string[] {
  return Array.from({ length: 4096 }, (_, at) => reading((at * 7919) % ITEMS).id);
}

function median(values: number[]): number {
  return values.sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
