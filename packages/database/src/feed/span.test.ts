import { coreSchema } from '@ioto/protocol';
import { silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Database } from '../database.ts';
import { SimulatedDisk } from '../journal/simulated-disk.fixture.ts';
import { compileSchema } from '../schema/compile.ts';
import type { Pending } from './outbox-table.ts';
import { spanOf } from './span.ts';

const entry = (version: number, since?: number): Pending => {
  return {
    pk: '',
    sk: `${version}`,
    model: 'Store',
    cmd: 'upsert',
    version,
    since,
    durable: since === undefined,
  };
};
const span = (entries: Pending[], sent: number[], latest: number) =>
  spanOf(entries, { versions: new Set(sent), underWay: new Set(sent), latest });

describe('the part of the order of versions that a message brings', () => {
  it('goes from what waits before it to what waits behind it', () => {
    expect(span([entry(3), entry(5), entry(6), entry(9)], [5, 6], 20)).toEqual({
      after: 3,
      through: 8,
      pending: 2,
    });
  });

  it('goes to the latest version on disk where nothing else waits', () => {
    expect(span([entry(5)], [5], 20)).toEqual({ after: 0, through: 20, pending: 0 });
  });

  it('ends before a version that would wait again if a commit under way failed', () => {
    expect(span([entry(5), entry(20, 7)], [5], 19)).toMatchObject({ after: 0, through: 6 });
    expect(span([entry(9), entry(20, 7)], [9], 19)).toMatchObject({ after: 7, through: 19 });
  });

  it('has no version that waits outside of the message, in whatever order they wait', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
        fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
        (versions, choice) => {
          const sent = versions.filter((_, at) => choice[at]);
          const { after, through } = span(
            versions.map((version) => entry(version)),
            sent,
            40,
          );
          const within = versions.filter((version) => version > after && version <= through);
          expect(within.every((version) => sent.includes(version))).toBe(true);
        },
      ),
    );
  });
});

describe('the latest version of an outbox', () => {
  it('is one that is on disk: a power cut lets no later one be given out twice', async () => {
    const schema = compileSchema(coreSchema);
    const facts = { schema, clock: new VirtualClock(), logger: silentLogger, directory: '/db' };
    const context = { accountId: 'A', deviceId: 'D' };
    const disk = new SimulatedDisk();
    const database = await Database.open({ ...facts, files: disk, context });
    const before = database.outbox.latest;
    const written = database.upsert('Store', { key: 'a', value: '1' });
    expect(database.outbox.latest).toBe(before);
    await written;
    const after = database.outbox.latest;
    expect(after).toBeGreaterThan(before);
    const again = await Database.open({ ...facts, files: disk.crash(() => 0) });
    expect(again.outbox.latest).toBe(after);
    expect(again.outbox.pending(10).map(({ version }) => version)).toEqual([after]);
  });
});
