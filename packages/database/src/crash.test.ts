import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { World } from './database.fixture.ts';
import type { Database } from './database.ts';
import type { Item } from './items/item.ts';

/** A write, by what it does to which of a few items, or something that the database does as a whole. */
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('upsert' as const), key: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remove' as const), key: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'acknowledge' as const, key: 0 }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'compact' as const, key: 0 }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'context' as const, key: 0 }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('forget' as const), key: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'wait' as const, key: 0 }) },
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What was asked of one item, in order; `acknowledged` counts how far promises were kept for sure. */
interface History {
  values: (string | undefined)[];
  acknowledged: number;
}

class Run {
  readonly histories = new Map<number, History>();
  readonly #db: Database;
  #count = 0;
  readonly #pending: Promise<unknown>[] = [];

  constructor(db: Database) {
    this.#db = db;
  }

  async go(steps: readonly Step[]): Promise<void> {
    for (const { kind, key } of steps) {
      if (kind === 'upsert') this.#write(key, `v${this.#count++}`);
      else if (kind === 'remove') this.#write(key, undefined);
      else if (kind === 'forget') this.#forget(key);
      else if (kind === 'acknowledge') this.#db.outbox.acknowledge(this.#db.outbox.pending(2));
      else if (kind === 'compact') this.#later(this.#db.compact());
      else if (kind === 'context') this.#later(this.#db.setContext({ deviceId: `D${this.#count++}` }));
      else await Promise.allSettled(this.#pending.splice(0));
    }
    await Promise.allSettled(this.#pending.splice(0));
  }

  #write(key: number, value: string | undefined): void {
    const history = this.histories.get(key) ?? { values: [undefined], acknowledged: 0 };
    this.histories.set(key, history);
    const at = history.values.push(value) - 1;
    const properties = { key: `k${key}`, value };
    const write =
      value === undefined ? this.#db.remove('Store', properties) : this.#db.upsert('Store', properties);
    this.#later(
      write.then(() => {
        history.acknowledged = Math.max(history.acknowledged, at);
      }),
    );
  }

  /** The cloud says that the item is gone: later than any version of it, and of nobody's histories. */
  #forget(key: number): void {
    if (this.histories.has(key)) return;
    const updated = '2099-01-01T00:00:00.000Z';
    const item = { _type: 'Store', key: `k${key}`, updated };
    this.#later(this.#db.apply({ cmd: 'remove', item }));
  }

  #later(promise: Promise<unknown>): void {
    this.#pending.push(promise);
    promise.catch(() => undefined);
  }
}

const contents = (db: Database) => new Map(db.find<Item>('Store').map(({ key, value }) => [key, value]));

function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

describe('a power cut at any moment', () => {
  it('leaves every acknowledged write, and of the others none in part', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 40 }),
        fc.nat(120),
        fc.nat(),
        async (steps, powerFor, seed) => {
          const world = new World();
          const db = await world.open({ maxJournalSize: 1500 });
          world.disk.powerFor = world.disk.operations + powerFor;
          const run = new Run(db);
          await run.go(steps);
          world.disk = world.disk.crash(seededRandom(seed));
          const again = await world.open({ context: undefined });
          const found = contents(again);
          for (const [key, { values, acknowledged }] of run.histories) {
            expect(values.slice(acknowledged)).toContain(found.get(`k${key}`));
          }
          // What is there is where the keys say, whatever context the cut left.
          for (const key of found.keys()) expect(again.get('Store', { key })).toBeDefined();
          await again.close();
          const third = await world.open({ context: undefined });
          expect(contents(third)).toEqual(found);
          expect(third.outbox.pending(100)).toEqual(again.outbox.pending(100));
        },
      ),
      { numRuns: 120 },
    );
  });
});

/** What of the outbox is on disk: not what only this run of the program knows. */
const waiting = ({ outbox }: Database) =>
  outbox.pending(100).map(({ isKnown: _known, base: _base, ...entry }) => entry);

describe('what is read back', () => {
  it('equals what was in memory: items, outbox and context', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const world = new World();
        const db = await world.open({ maxJournalSize: 1500 });
        await new Run(db).go(steps);
        await db.close();
        const again = await world.open({ context: undefined });
        expect(again.find('Store', {}, { hidden: true })).toEqual(db.find('Store', {}, { hidden: true }));
        expect(waiting(again)).toEqual(waiting(db));
        for (let key = 0; key <= 5; key += 1) {
          const named = { key: `k${key}` };
          expect(again.removedAt('Store', named)).toEqual(db.removedAt('Store', named));
        }
        expect(again.context).toEqual(db.context);
        expect(again.stats.items).toBe(db.stats.items);
      }),
      { numRuns: 40 },
    );
  });

  it('equals any item that was written, whatever its values are', async () => {
    const json = fc
      .jsonValue({ maxDepth: 4 })
      .filter((value) => !JSON.stringify(value).includes('__proto__'));
    const properties = fc.record({
      id: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((id) => !id.includes('\0')),
      reading: fc.double({ noDefaultInfinity: true, noNaN: true }),
      on: fc.boolean(),
      seen: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }),
      settings: fc.dictionary(
        fc.string().filter((name) => name !== '__proto__'),
        json,
      ),
      history: fc.array(json),
      secret: fc.string({ unit: 'binary' }),
    });
    const world = new World();
    const db = await world.open();
    const written = new Map<string, Item>();
    await fc.assert(
      fc.asyncProperty(properties, async (values) => {
        const item = await db.upsert('Sensor', { site: 's', ...values });
        expect(item).toMatchObject({ id: values.id, on: values.on, seen: values.seen.toISOString() });
        written.set(values.id, item);
      }),
      { numRuns: 60 },
    );
    await db.close();
    const again = await world.open();
    for (const [id, item] of written) expect(again.get('Sensor', { site: 's', id })).toEqual(normal(item));
  });
});

/** JSON has one zero. */
function normal(item: Item): unknown {
  return JSON.parse(JSON.stringify(item));
}
