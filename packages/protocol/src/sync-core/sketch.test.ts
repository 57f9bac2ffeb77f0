import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areBucketBits, bucketBits, bucketOf, repairOf, sketchRow, TableSketch } from './sketch.ts';

const HOUR = 3_600_000;
const iso = (hours: number) => new Date(Date.UTC(2026, 0, 1) + hours * HOUR).toISOString();

type Table = Map<string, { hours: number; content: string }>;

function sketchOf(table: Table, timesOnly = false): TableSketch {
  const sketch = new TableSketch({ timesOnly });
  for (const [key, { hours, content }] of table)
    sketch.add(key, { updated: iso(hours), content: () => content });
  return sketch;
}

function rowsOf(table: Table, bits: number, buckets: ReadonlySet<number>) {
  return [...table].flatMap(([key, { hours, content }]) =>
    buckets.has(bucketOf(key, bits)) ? [sketchRow(key, { updated: iso(hours), content: () => content })] : [],
  );
}

/** What the device finds out by the two questions that it asks. */
function compare(device: Table, cloud: Table) {
  const own = sketchOf(device);
  const other = sketchOf(cloud);
  if (own.digest === other.digest) return { send: [], fetch: [], rows: 0 };
  const bits = bucketBits(Math.max(own.count, other.count));
  const buckets = other.differing(bits, own.buckets(bits)) ?? new Set();
  const theirs = rowsOf(cloud, bits, buckets);
  return { ...repairOf(rowsOf(device, bits, buckets), theirs), rows: theirs.length };
}

const value = fc.record({ hours: fc.nat(3), content: fc.constantFrom('a', 'b') });
const tables = fc
  .array(fc.tuple(fc.string({ maxLength: 6 }), value), { maxLength: 80 })
  .map((entries): Table => new Map(entries));

describe('two tables that are compared by their sketches', () => {
  it('have every difference found, and nothing else, whatever they hold', () => {
    const changes = fc.array(fc.tuple(fc.nat(79), fc.option(value, { nil: undefined })), { maxLength: 5 });
    fc.assert(
      fc.property(
        tables,
        changes,
        fc.array(fc.string({ maxLength: 6 }), { maxLength: 3 }),
        (device, altered, added) => {
          const cloud = new Map(device);
          const keys = [...device.keys()];
          for (const [index, to] of altered) {
            const key = keys[index];
            if (key === undefined) continue;
            if (to) cloud.set(key, to);
            else cloud.delete(key);
          }
          for (const key of added) cloud.set(key, { hours: 1, content: 'new' });
          const { send, fetch } = compare(device, cloud);
          const differing = [...new Set([...device.keys(), ...cloud.keys()])].filter((key) => {
            const [one, other] = [device.get(key), cloud.get(key)];
            return one?.hours !== other?.hours || one?.content !== other?.content;
          });
          expect([...send, ...fetch].sort()).toEqual(differing.sort());
          for (const key of send) {
            expect(device.get(key)?.hours).toBeGreaterThanOrEqual(cloud.get(key)?.hours ?? 0);
          }
          for (const key of fetch)
            expect(device.get(key)?.hours ?? -1).toBeLessThan(cloud.get(key)?.hours ?? 0);
        },
      ),
    );
  });

  it('are equal whatever the order in which they were read', () => {
    fc.assert(
      fc.property(tables, (table) => {
        const reversed: Table = new Map([...table].reverse());
        expect(sketchOf(reversed).digest).toBe(sketchOf(table).digest);
        expect(sketchOf(reversed).buckets(3)).toBe(sketchOf(table).buckets(3));
      }),
    );
  });

  it('show only the buckets of what differs, however large they are', () => {
    const device: Table = new Map();
    for (let index = 0; index < 5000; index += 1) device.set(`key${index}`, { hours: 1, content: 'x' });
    const cloud: Table = new Map(device);
    cloud.set('key7', { hours: 2, content: 'y' });
    cloud.delete('key8');
    const { send, fetch, rows } = compare(device, cloud);
    expect({ send, fetch }).toEqual({ send: ['key8'], fetch: ['key7'] });
    expect(rows).toBeLessThan(200);
  });

  it('are compared by their times alone where they are read by different schemas', () => {
    const one: Table = new Map([['a', { hours: 1, content: 'x' }]]);
    const other: Table = new Map([['a', { hours: 1, content: 'y' }]]);
    expect(sketchOf(one).digest).not.toBe(sketchOf(other).digest);
    expect(sketchOf(one, true).digest).toBe(sketchOf(other, true).digest);
  });

  it('refuse buckets of another number, and numbers that nobody may ask for', () => {
    expect(sketchOf(new Map()).differing(2, sketchOf(new Map()).buckets(1))).toBeUndefined();
    expect([0, 12].every(areBucketBits)).toBe(true);
    expect([-1, 13, 1.5, '2', undefined].some(areBucketBits)).toBe(false);
  });
});
