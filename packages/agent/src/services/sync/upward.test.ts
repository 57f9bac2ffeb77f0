import type { Outbox, OutboxEntry, PendingOptions } from '@ioto/database';
import type { AgreedSyncAck, SyncUp } from '@ioto/protocol';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gatherBatch, type Outgoing, toWire } from './batch.ts';
import { Upward } from './upward.ts';

/** An outbox by the database's rules, in memory. */
class MemoryOutbox implements Pick<Outbox, 'each' | 'acknowledge' | 'markSent'> {
  readonly entries = new Map<string, OutboxEntry>();
  readonly marked = new Set<string>();
  #version = 0;

  write(key: string, value: unknown): void {
    this.#version += 1;
    this.entries.delete(key);
    this.entries.set(key, {
      key,
      model: 'Store',
      cmd: 'upsert',
      item: { sk: key, value } as object,
      version: this.#version,
      isKnown: false,
    });
  }

  get size(): number {
    return this.entries.size;
  }

  *each(limit: number, { skip }: PendingOptions = {}): Generator<OutboxEntry, void> {
    yield* [...this.entries.values()]
      .filter((entry) => !skip?.({ ...entry, pk: '', sk: entry.key }))
      .slice(0, limit);
  }

  get latest(): number {
    return this.#version;
  }

  throughWith(): number {
    return this.#version;
  }

  markSent(entries: readonly { key: string }[]): void {
    for (const { key } of entries) this.marked.add(key);
  }

  acknowledge(acknowledged: readonly { key: string; version: number }[]): number {
    const gone = acknowledged.filter(({ key, version }) => this.entries.get(key)?.version === version);
    for (const { key } of gone) this.entries.delete(key);
    return gone.length;
  }
}

function makeUpward(maxBytes = 64_000) {
  const clock = new VirtualClock();
  const outbox = new MemoryOutbox();
  const sent: SyncUp[] = [];
  const acknowledged: string[] = [];
  const upward = new Upward({
    clock,
    outbox: outbox as unknown as Outbox,
    resendAfter: 5000,
    maxBytes,
    acknowledged: (_seq, changes) => acknowledged.push(...changes.map(({ key }) => key)),
  });
  const connect = () => upward.connected((text) => sent.push(JSON.parse(text)));
  const keys = () => sent.map(({ changes }) => changes.map(({ key }) => key));
  const ack = (batch: SyncUp | undefined) =>
    upward.acknowledge({ seq: batch?.seq ?? 0, keys: batch?.changes.map(({ key }) => key) ?? [] });
  return { clock, outbox, sent, acknowledged, upward, connect, keys, ack };
}

describe('changes on their way up', () => {
  it('wait for a connection, and go in one batch', () => {
    const { outbox, upward, connect, keys } = makeUpward();
    outbox.write('a', 1);
    upward.next();
    expect(keys()).toEqual([]);
    outbox.write('b', 2);
    connect();
    expect(keys()).toEqual([['a', 'b']]);
  });

  it('count as sent before they are handed over, and not those that wait behind them', () => {
    const { outbox, upward } = makeUpward(100);
    const marked: string[][] = [];
    for (const key of ['a', 'b']) outbox.write(key, 'x'.repeat(50));
    upward.connected(() => marked.push([...outbox.marked]));
    expect(marked).toEqual([['a']]);
  });

  it('leave the outbox only when the cloud acknowledged them', () => {
    const { outbox, sent, acknowledged, connect, ack } = makeUpward();
    outbox.write('a', 1);
    connect();
    expect(outbox.entries.size).toBe(1);
    ack(sent[0]);
    expect(outbox.entries.size).toBe(0);
    expect(acknowledged).toEqual(['a']);
  });

  it('are sent again after five seconds without acknowledgement, in a message of the next seq', async () => {
    const { clock, outbox, sent, connect, keys } = makeUpward();
    outbox.write('a', 1);
    connect();
    await clock.advance(4999);
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    expect(keys()).toEqual([['a'], ['a']]);
    expect(sent[1]?.seq).toBe((sent[0]?.seq ?? 0) + 1);
  });

  it('are done when the acknowledgement of an earlier sending comes late', async () => {
    const { clock, outbox, sent, connect, ack } = makeUpward();
    outbox.write('a', 1);
    connect();
    await clock.advance(5000);
    ack(sent[0]);
    expect(outbox.entries.size).toBe(0);
    await clock.advance(20_000);
    expect(sent).toHaveLength(2);
  });

  it('stay when their item changed again after it was sent', () => {
    const { outbox, sent, connect, ack, keys } = makeUpward();
    outbox.write('a', 1);
    connect();
    outbox.write('a', 2);
    ack(sent[0]);
    expect(outbox.entries.size).toBe(1);
    expect(keys()).toEqual([['a'], ['a']]);
    expect(sent[1]?.changes[0]?.item).toMatchObject({ value: 2 });
  });

  it('that the cloud left out of its acknowledgement are sent again after five seconds, not in a loop', async () => {
    const { clock, outbox, sent, upward, connect, keys } = makeUpward();
    outbox.write('a', 1);
    outbox.write('b', 2);
    connect();
    upward.acknowledge({ seq: sent[0]?.seq ?? 0, keys: ['a'] });
    expect(sent).toHaveLength(1);
    await clock.advance(5000);
    expect(keys()).toEqual([['a', 'b'], ['b']]);
  });

  it('are done when the cloud acknowledges them in several messages', async () => {
    const { clock, outbox, sent, acknowledged, upward, connect, keys } = makeUpward();
    for (const key of ['a', 'b', 'c']) outbox.write(key, 1);
    connect();
    const seq = sent[0]?.seq ?? 0;
    upward.acknowledge({ seq, keys: ['a', 'b'] });
    outbox.write('d', 1);
    upward.next();
    expect(sent).toHaveLength(1);
    upward.acknowledge({ seq, keys: ['c'] });
    expect(acknowledged).toEqual(['a', 'b', 'c']);
    expect(keys()).toEqual([['a', 'b', 'c'], ['d']]);
    await clock.advance(4999);
    expect(sent).toHaveLength(2);
  });

  it('are sent again on the next connection', () => {
    const { outbox, upward, connect, keys } = makeUpward();
    outbox.write('a', 1);
    connect();
    upward.disconnected();
    connect();
    expect(keys()).toEqual([['a'], ['a']]);
  });

  it('wait while the cloud asked for less, and go on by themselves', async () => {
    const { clock, outbox, upward, connect, keys } = makeUpward();
    connect();
    upward.pause(30_000);
    outbox.write('a', 1);
    upward.next();
    await clock.advance(29_999);
    expect(keys()).toEqual([]);
    await clock.advance(1);
    expect(keys()).toEqual([['a']]);
  });

  it('go on after a pause that a reconnect fell into', async () => {
    const { clock, outbox, upward, connect, keys } = makeUpward();
    connect();
    upward.pause(30_000);
    outbox.write('a', 1);
    upward.disconnected();
    connect();
    await clock.advance(30_000);
    expect(keys()).toEqual([['a']]);
  });

  it('are not taken for acknowledged by what another run of the agent sent', () => {
    const { outbox, upward, connect } = makeUpward();
    outbox.write('a', 1);
    connect();
    upward.acknowledge({ seq: -1, keys: ['a'] });
    expect(outbox.entries.size).toBe(1);
  });

  it('include an item that is sent back, until it is acknowledged', () => {
    const { sent, upward, connect, ack, keys } = makeUpward();
    connect();
    upward.sendBack({ key: 'own', model: 'Store', cmd: 'upsert', item: { sk: 'own' } });
    expect(keys()).toEqual([['own']]);
    ack(sent[0]);
    upward.next();
    expect(sent).toHaveLength(1);
  });
});

describe('a batch', () => {
  const entries = (sizes: number[]): OutboxEntry[] =>
    sizes.map((size, index) => ({
      key: `k${index}`,
      model: 'Store',
      cmd: 'upsert',
      item: { value: 'x'.repeat(size) } as object,
      version: index,
      isKnown: false,
    }));
  const gather = (pending: OutboxEntry[], returns: Map<string, Outgoing>, maxBytes: number) =>
    gatherBatch(pending, returns, { maxBytes, form: toWire }).changes;

  it('keeps to the order and the size, and holds at least one change', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(500), { minLength: 1, maxLength: 50 }),
        fc.integer({ min: 100, max: 2000 }),
        (sizes, max) => {
          const pending = entries(sizes);
          const batch = gather(pending, new Map(), max);
          expect(batch.length).toBeGreaterThan(0);
          expect(batch).toEqual(pending.slice(0, batch.length));
          const bytes = JSON.stringify({
            seq: 2 ** 31,
            changes: batch.map(({ cmd, key, item }) => ({ cmd, key, item })),
          }).length;
          if (batch.length > 1) expect(bytes).toBeLessThanOrEqual(max);
        },
      ),
    );
  });

  it('has no two items of one sort key, which its acknowledgement could not tell apart', () => {
    const [one, other] = entries([1, 1]).map((entry) => ({ ...entry, key: 's' }));
    expect(one && other && gather([one, other], new Map(), 1000)).toEqual([one]);
  });

  it('has the newer change of an item that was to be sent back', () => {
    const [pending] = entries([1]);
    const back = { key: 'k0', model: 'Store', cmd: 'upsert' as const, item: {} };
    expect(gather(pending ? [pending] : [], new Map([['k0', back]]), 1000)).toEqual([pending]);
  });
});

describe('changes on terms that the cloud has agreed to', () => {
  const terms = { pace: { window: 3, bytes: 2000 }, hasReport: true };
  const all = (batch: { seq: number } | undefined): AgreedSyncAck => {
    return { seq: batch?.seq ?? 0, all: true, updated: '2026-01-01T00:00:00.000Z' };
  };

  function agreed(count: number) {
    const made = makeUpward();
    for (let n = 0; n < count; n += 1) made.outbox.write(`k${n}`, 'x'.repeat(150));
    const say = () => made.upward.connected((text) => made.sent.push(JSON.parse(text)), terms);
    say();
    return { ...made, say };
  }

  it('go in as many full batches as may be under way, none of them twice', () => {
    const { keys } = agreed(100);
    expect(keys()).toHaveLength(3);
    const sent = keys().flat();
    expect(sent).toEqual(Array.from({ length: sent.length }, (_, n) => `k${n}`));
  });

  it('are followed by the next when any batch is acknowledged, as a whole', () => {
    const { sent, outbox, upward, keys } = agreed(100);
    const before = keys().flat().length;
    upward.acknowledge(all(sent[1]));
    expect(sent).toHaveLength(4);
    expect(outbox.entries.has(sent[1]?.changes[0]?.key ?? '')).toBe(false);
    expect(keys()[3]?.[0]).toBe(`k${before}`);
  });

  it('are sent again alone when their batch was lost', async () => {
    const { sent, clock, upward, keys } = agreed(22);
    for (const batch of sent.slice(1)) upward.acknowledge(all(batch));
    const lost = keys()[0];
    const count = sent.length;
    await clock.advance(5000);
    expect(sent.length).toBeGreaterThan(count);
    expect(keys().slice(count).flat()).toEqual(expect.arrayContaining(lost ?? ['none']));
    const elsewhere = keys().slice(1, count).flat();
    expect(
      keys()
        .slice(count)
        .flat()
        .filter((key) => elsewhere.includes(key)),
    ).toEqual([]);
  });

  it('wait to be gathered while a batch is under way, rather than go in pieces', () => {
    const { sent, outbox, upward, keys } = agreed(1);
    outbox.write('b', 1);
    upward.next();
    outbox.write('c', 1);
    upward.next();
    expect(sent).toHaveLength(1);
    upward.acknowledge(all(sent[0]));
    expect(keys()).toEqual([['k0'], ['b', 'c']]);
  });

  it('wait as long as the cloud says, and then go on in smaller messages', async () => {
    const { sent, clock, outbox, upward } = agreed(1);
    upward.pace({ window: 1, bytes: 1024, wait: 2000 });
    for (let n = 0; n < 20; n += 1) outbox.write(`l${n}`, 'x'.repeat(150));
    upward.acknowledge(all(sent[0]));
    await clock.advance(1999);
    expect(sent).toHaveLength(1);
    await clock.advance(1);
    expect(sent).toHaveLength(2);
    expect(JSON.stringify(sent[1]).length).toBeLessThanOrEqual(1024);
  });

  it('go by the contract again on a connection without terms', () => {
    const { sent, upward, connect } = agreed(100);
    upward.disconnected();
    sent.length = 0;
    connect();
    expect(sent).toHaveLength(1);
    expect(Object.keys(sent[0] ?? {})).toEqual(['seq', 'changes']);
  });
});
