import { compileSchema } from '@ioto/database';
import { coreSchema } from '@ioto/protocol';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Write } from '../../ports/item-store.ts';
import { gonePartition } from '../items/gone-marks.ts';
import { type IncomingChange, idOf, readChange } from '../items/wire-item.ts';
import { type Current, planSync } from './sync-plan.ts';

const schema = compileSchema(coreSchema);
const identity = { accountId: 'A', deviceId: 'JT08FFQXWQ' };
const moment = {
  ...{ now: Date.UTC(2026, 5, 1), arrived: '2026-06-01T00:00:00.000Z' },
  ...{ deviceId: identity.deviceId, isOurs: true },
};

interface Edit {
  key: string;
  /** Its time and its content: every edit of a device has its own. */
  at: number;
  remove: boolean;
}

const edits = fc.uniqueArray(
  fc.record({ key: fc.constantFrom('a', 'b', 'c'), at: fc.nat(1000), remove: fc.boolean() }),
  { selector: ({ at }) => at, minLength: 1, maxLength: 20 },
);

const timeOf = (at: number) => new Date(Date.UTC(2026, 0, 1) + at).toISOString();

function incoming({ key, at, remove }: Edit): IncomingChange {
  const item = { _type: 'Store', sk: `s#${key}`, key, value: String(at), updated: timeOf(at) };
  const read = readChange({ cmd: remove ? 'remove' : 'upsert', key: item.sk, item }, { schema, identity });
  if ('refused' in read) throw new Error(read.refused);
  return read.accepted;
}

/** A table that takes batches of any cut. */
class Table {
  readonly items = new Map<string, Record<string, unknown>>();

  apply(batch: readonly Edit[]): void {
    const changes = batch.map(incoming);
    const stored = new Map(changes.map(({ item }): [string, Current] => [idOf(item), this.current(item)]));
    const { writes } = planSync(changes, stored, moment);
    const touched = writes.map((write) => idOf('put' in write ? write.put : write.remove));
    expect(new Set(touched).size).toBe(touched.length);
    for (const write of writes) this.write(write);
  }

  current(key: { pk: string; sk: string }): Current {
    const item = this.items.get(idOf(key)) as Current['item'];
    const mark = this.items.get(idOf({ pk: gonePartition(key.pk), sk: key.sk })) as Current['mark'];
    return { item, mark };
  }

  write(write: Write): void {
    const id = idOf('put' in write ? write.put : write.remove);
    if ('put' in write) this.items.set(id, write.put);
    else this.items.delete(id);
  }

  values(): Record<string, unknown> {
    const items = [...this.items.values()].filter(
      (item) => item._type === 'Store' && item.marked === undefined,
    );
    return Object.fromEntries(items.map(({ key, value }) => [String(key), value]));
  }
}

function newestOf(all: readonly Edit[]): Record<string, unknown> {
  const newest = new Map<string, Edit>();
  for (const edit of [...all].sort((a, b) => a.at - b.at)) newest.set(edit.key, edit);
  return Object.fromEntries(
    [...newest.values()].flatMap(({ key, at, remove }) => (remove ? [] : [[key, String(at)]])),
  );
}

describe('batches of a device', () => {
  it('leave the newest of each item, in whatever order, cut and number of copies they come', () => {
    const arrivals = edits.chain((all) =>
      fc.tuple(fc.constant(all), fc.array(fc.shuffledSubarray([...all]), { maxLength: 6 })),
    );
    fc.assert(
      fc.property(arrivals, ([all, copies]) => {
        const table = new Table();
        for (const batch of [...copies, all]) table.apply(batch);
        expect(table.values()).toEqual(newestOf(all));
      }),
    );
  });

  it('change nothing when they come again', () => {
    fc.assert(
      fc.property(edits, (all) => {
        const table = new Table();
        table.apply(all);
        const before = new Map(table.items);
        table.apply(all);
        expect(table.items).toEqual(before);
      }),
    );
  });
});
