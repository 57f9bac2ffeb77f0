import { compileSchema, Database } from '@ioto/database';
import type { AgreedSyncUp } from '@ioto/protocol';
import { silentLogger } from '@ioto/runtime';
import { settle, VirtualClock } from '@ioto/testkit/virtual-clock';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Upward } from '../../../../agent/src/services/sync/upward.ts';
import { SimulatedDisk } from '../../../../database/src/journal/simulated-disk.fixture.ts';
import type { ItemStore, StoredItem } from '../../ports/item-store.ts';
import { sharedSchema } from '../real-ends.fixture.ts';
import { Pace } from '../up/pace.ts';
import { Agreed } from './agreed.ts';
import { type Peer, Peers } from './peers.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e'];
const schema = compileSchema(sharedSchema);
const identity = { accountId: 'A1', deviceId: 'D1' };

/** A device's own database and way up, and of the cloud what it keeps of how far that is confirmed. */
class Both {
  readonly clock = new VirtualClock();
  readonly up: AgreedSyncUp[] = [];
  readonly acks: { seq: number; through: number }[] = [];
  /** Of each item the time of what the cloud has. */
  readonly cloud = new Map<string, string>();
  #record: StoredItem | undefined;
  #disk = new SimulatedDisk();
  #database: Database | undefined;
  #upward: Upward | undefined;
  readonly #agreed: Agreed;
  readonly #peer: Peer;

  constructor() {
    const store = { get: async () => this.#record } as unknown as ItemStore;
    const endpoint = { deliver: async () => 'acknowledged' as const };
    const { clock } = this;
    const parts = { store, endpoint, peers: new Peers(), pace: new Pace({ clock }), clock };
    this.#agreed = new Agreed({ ...parts, schemaHash: 'x' });
    const hello = { v: 1, can: ['through'], schema: 'x', generation: 'g1', latest: 0, pending: 0 };
    this.#peer = this.#agreed.peers.said(identity.deviceId, hello);
  }

  get through(): number {
    return Number(this.#record?.through ?? 0);
  }

  async start(): Promise<void> {
    const { clock } = this;
    const facts = { schema, clock, logger: silentLogger, context: identity };
    const database = await Database.open({ ...facts, directory: '/db', files: this.#disk });
    const { outbox } = database;
    const upward = new Upward({
      ...{ clock, outbox, resendAfter: 5000, acknowledged: () => undefined },
      // A change or two in each.
      maxBytes: 900,
    });
    const terms = { pace: { window: 3, bytes: 1024 }, hasReport: true };
    upward.connected((text) => this.up.push(JSON.parse(text)), terms);
    outbox.onAppend(() => upward.next());
    this.#database = database;
    this.#upward = upward;
  }

  write(name: string, removes: boolean): void {
    const done: Promise<unknown> | undefined = removes
      ? this.#database?.remove('Setting', { name })
      : this.#database?.upsert('Setting', { name, value: 'x'.repeat(100) });
    done?.catch(() => undefined);
  }

  async arrive(at: number): Promise<void> {
    const [batch] = this.up.splice(at % Math.max(1, this.up.length), 1);
    if (!batch) return;
    const { seq, through = 0, beside = [], latest = 0, pending = 0 } = batch;
    const agreed = { peer: this.#peer, seq, report: { through, beside, latest, pending } };
    const note = this.#agreed.note(identity, agreed, this.#record);
    this.#agreed.durable(agreed);
    for (const { key, item } of batch.changes) {
      const before = this.cloud.get(key) ?? '';
      if (String(item.updated) > before) this.cloud.set(key, String(item.updated));
    }
    this.#record = note.record;
    this.acks.push({ seq: batch.seq, through: note.through });
  }

  acknowledge(at: number): void {
    const [ack] = this.acks.splice(at % Math.max(1, this.acks.length), 1);
    if (ack) this.#upward?.acknowledge({ ...ack, all: true, updated: '' });
  }

  async crash(seed: number): Promise<void> {
    let state = seed;
    this.#upward?.disconnected();
    this.#disk = this.#disk.crash(() => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    });
    await this.start();
  }

  check(): void {
    const outbox = this.#database?.outbox;
    expect(this.through).toBeLessThanOrEqual(outbox?.latest ?? 0);
    for (const { key, version, item } of outbox?.pending(100) ?? []) {
      if (version > this.through) continue;
      expect(this.cloud.get(key) ?? 'nothing', `${key} of ${version}`).toBe(item.updated);
    }
  }

  async calmDown(): Promise<void> {
    for (let round = 0; round < 20; round += 1) {
      await settle(20);
      while (this.up.length > 0) await this.arrive(0);
      while (this.acks.length > 0) this.acknowledge(0);
      await this.clock.advance(5000);
    }
    expect(this.#database?.outbox.size).toBe(0);
  }
}

const name = fc.constantFrom(...NAMES);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant('write' as const), name, removes: fc.boolean() }) },
  {
    weight: 3,
    arbitrary: fc.record({ does: fc.constantFrom('arrive', 'acknowledge', 'lose'), at: fc.nat(3) }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('crash' as const), seed: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constantFrom('wait', 'settle') }) },
);

describe('how far the changes of a device are confirmed', () => {
  it('is never further than what the cloud has, whatever is lost, late or twice, and ends at the end', async () => {
    let furthest = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 50, size: 'max' }), async (steps) => {
        const both = new Both();
        await both.start();
        for (const each of steps) {
          await both.clock.advance(1);
          if (each.does === 'write') both.write(each.name, each.removes);
          else if (each.does === 'crash') await both.crash(each.seed);
          else if (each.does === 'arrive') await both.arrive(each.at);
          else if (each.does === 'acknowledge') both.acknowledge(each.at);
          else if (each.does === 'lose') both.up.splice(each.at, 1);
          else if (each.does === 'wait') await both.clock.advance(5000);
          else await settle(5);
          both.check();
        }
        await both.calmDown();
        both.check();
        furthest = Math.max(furthest, both.through);
      }),
      { numRuns: 60 },
    );
    expect(furthest).toBeGreaterThan(0);
  });
});
