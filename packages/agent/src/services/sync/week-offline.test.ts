import { type BatchWrite, compileSchema, Database } from '@ioto/database';
import { coreSchema, type SyncUp } from '@ioto/protocol';
import { silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { expect, it } from 'vitest';
import { SimulatedDisk } from '../../../../database/src/journal/simulated-disk.fixture.ts';
import { Upward } from './upward.ts';

const WEEK = 7 * 86_400_000;
/** How often the device writes in the week, and after how many of these its power fails. */
const LOTS = 100;
const LOTS_A_CUT = 33;
const STORES_A_LOT = 600;
const LOGS_A_LOT = 400;
const STORES = 6000;
const MOST_LOGS = 10_000;

const schema = compileSchema(coreSchema);

/** A device whose power is cut, and which finds its disk as that left it. */
class Device {
  readonly clock = new VirtualClock();
  #disk = new SimulatedDisk();
  #database: Database | undefined;
  #seed = 7;

  get database(): Database {
    if (!this.#database) throw new Error('the device is off');
    return this.#database;
  }

  async start(): Promise<void> {
    this.#database = await Database.open({
      directory: '/db',
      schema,
      context: { accountId: 'account', deviceId: 'device' },
      clock: this.clock,
      logger: silentLogger,
      files: this.#disk,
    });
  }

  async cutPower(): Promise<void> {
    this.#disk = this.#disk.crash(() => this.#random());
    await this.start();
  }

  /** A lot of changes, which are on disk when this resolves. */
  async write(lot: number): Promise<void> {
    const writes: BatchWrite[] = [];
    for (let at = 0; at < STORES_A_LOT; at += 1) {
      const item = { key: `setting-${(lot * STORES_A_LOT + at) % STORES}`, value: `${lot}` };
      writes.push({ cmd: 'upsert', model: 'Store', item });
    }
    for (let at = 0; at < LOGS_A_LOT; at += 1) {
      const id = String(lot * LOGS_A_LOT + at).padStart(6, '0');
      writes.push({ cmd: 'create', model: 'Log', item: { id, message: 'door opened' } });
    }
    await this.database.batch(writes);
  }

  #random(): number {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) >>> 0;
    return this.#seed / 2 ** 32;
  }
}

/** Keeps what it is sent, and loses every seventh of its acknowledgements. */
class Cloud {
  readonly items = new Map<string, Record<string, unknown>>();
  readonly firsts: string[] = [];
  #batches = 0;

  receive({ seq, changes }: SyncUp, acknowledge: (ack: { seq: number; keys: string[] }) => void): void {
    this.#batches += 1;
    for (const { key, item } of changes) {
      if (!this.items.has(key)) this.firsts.push(key);
      this.items.set(key, item);
    }
    if (this.#batches % 7 !== 0) acknowledge({ seq, keys: changes.map(({ key }) => key) });
  }
}

it('100,000 changes of a week without the cloud wait on disk, bounded, and go up when it is there', async () => {
  const device = new Device();
  await device.start();
  for (let lot = 0; lot < LOTS; lot += 1) {
    await device.write(lot);
    await device.clock.advance(WEEK / LOTS);
    if ((lot + 1) % LOTS_A_CUT === 0) await device.cutPower();
  }
  const { database, clock } = device;
  const lostLogs = LOTS * LOGS_A_LOT - MOST_LOGS;
  expect(database.stats).toMatchObject({ outbox: STORES + MOST_LOGS, items: STORES + MOST_LOGS });
  expect(database.outbox.lost()).toEqual({ Log: lostLogs });
  const { journalBytes } = database.stats;
  await database.compact();
  expect(journalBytes).toBeLessThanOrEqual(2 * database.stats.snapshotBytes);

  const cloud = new Cloud();
  const upward = new Upward({
    clock,
    outbox: database.outbox,
    resendAfter: 5000,
    maxBytes: 120 * 1024,
    acknowledged: () => undefined,
  });
  const keys = database.outbox.pending(STORES + MOST_LOGS).map(({ key }) => key);
  upward.connected((batch) => {
    const waiting = database.outbox.size;
    cloud.receive(JSON.parse(batch), (ack) => clock.after(1, () => upward.acknowledge(ack)));
    // What was sent waits until it is acknowledged.
    expect(database.outbox.size).toBe(waiting);
  });
  while (database.outbox.size > 0) {
    expect(database.outbox.size + cloud.items.size).toBeGreaterThanOrEqual(keys.length);
    await clock.advance(5000);
  }
  expect([...cloud.items.keys()].sort()).toEqual(keys.toSorted());
  const isLatest = ([key, { value }]: [string, Record<string, unknown>]) =>
    key.startsWith('s#')
      ? Number(value) >= LOTS - STORES / STORES_A_LOT
      : Number(key.slice('l#'.length)) >= lostLogs;
  expect([...cloud.items].filter((entry) => !isLatest(entry))).toEqual([]);
  // Settings before logs, but for the tenth place of each ten.
  const settings = cloud.firsts.slice(0, STORES).filter((key) => key.startsWith('s#'));
  expect(settings.length).toBeGreaterThan(0.89 * STORES);
  expect(settings.length).toBeLessThan(STORES);
  await database.close();
}, 60_000);
