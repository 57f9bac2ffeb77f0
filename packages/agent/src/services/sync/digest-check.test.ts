import { compileSchema, Database } from '@ioto/database';
import { coreSchema } from '@ioto/protocol';
import { Emitter, silentLogger } from '@ioto/runtime';
import { settle, VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { SimulatedDisk } from '../../../../database/src/journal/simulated-disk.fixture.ts';
import type { AgentEvents } from '../../agent-events.ts';
import { SYNC_GENERATION } from '../database/agent-models.ts';
import { DigestCheck } from './digest-check.ts';

const HOUR = 3_600_000;
const text = { type: 'string' } as const;
const schema = compileSchema({
  ...coreSchema,
  models: {
    ...coreSchema.models,
    [SYNC_GENERATION]: {
      pk: { ...text, value: 'agent#' },
      sk: { ...text, value: 'agent#generation#' },
      id: { ...text, required: true },
      checked: { type: 'date' },
    },
  },
});

/** A device's check at a cloud that answers as a test says. */
class Device {
  readonly clock = new VirtualClock();
  readonly asked: { request: string; at: number }[] = [];
  answer: (request: string) => string | undefined = () => '{"equal":true}';
  readonly terms = { isSameSchema: true, cloudNow: () => this.clock.now() };
  check!: DigestCheck;
  #began = 0;

  static async create(every: number, salvaged?: object): Promise<Device> {
    const device = new Device();
    const { clock } = device;
    const context = { accountId: 'A1', deviceId: 'D1' };
    const facts = { schema, clock, context, directory: '/db', files: new SimulatedDisk() };
    const database = await Database.open({ ...facts, logger: silentLogger });
    await database.upsert(SYNC_GENERATION, { id: 'g1' });
    Object.defineProperty(database, 'stats', { value: { salvaged } });
    device.check = new DigestCheck({
      ...{ database, clock, logger: silentLogger, random: () => 0.5, every },
      events: new Emitter<AgentEvents>(() => undefined),
      ask: async (request) => {
        device.asked.push({ request, at: clock.now() - device.#began });
        return device.answer(request) ?? new Promise(() => undefined);
      },
    });
    device.#began = clock.now();
    return device;
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await settle(20);
  }

  /** When each comparison began. */
  get begun(): number[] {
    const first = this.asked[0]?.request;
    const times = this.asked.filter(({ request }) => request === first).map(({ at }) => at);
    return [...new Set(times)];
  }
}

describe('a device that compares once a day', () => {
  it('begins soon after it is in step for the first time, and then a day later, about', async () => {
    const device = await Device.create(24 * HOUR);
    device.check.ready(device.terms);
    await device.pass(29_000);
    expect(device.begun).toEqual([]);
    await device.pass(49 * HOUR);
    expect(device.begun).toEqual([30_000, 30_000 + 24 * HOUR, 30_000 + 48 * HOUR]);
    expect(device.asked.filter(({ request }) => request === 'sync/checked')).toHaveLength(3);
  });

  it('does not begin again because it connects again', async () => {
    const device = await Device.create(24 * HOUR);
    device.check.ready(device.terms);
    await device.pass(HOUR);
    device.check.stop();
    device.check.ready(device.terms);
    await device.pass(22 * HOUR);
    expect(device.begun).toEqual([30_000]);
  });

  it('begins anew at the next connection where it was cut off', async () => {
    const device = await Device.create(24 * HOUR);
    device.answer = () => undefined;
    device.check.ready(device.terms);
    await device.pass(HOUR);
    expect(device.asked).toHaveLength(1);
    device.check.stop();
    await device.pass(30 * HOUR);
    expect(device.asked).toHaveLength(1);
    device.answer = () => '{"equal":true}';
    device.check.ready(device.terms);
    await device.pass(HOUR);
    expect(device.begun).toEqual([30_000, 31 * HOUR + 30_000]);
  });

  it('waits as long as the cloud asks for, and leaves out what the cloud does not compare', async () => {
    const device = await Device.create(24 * HOUR);
    const answers = ['{"retryAfter":50}', '{"refused":"not here"}'];
    device.answer = () => answers.shift() ?? '{"equal":true}';
    device.check.ready(device.terms);
    await device.pass(HOUR);
    expect(device.asked.map(({ at }) => at).slice(0, 3)).toEqual([30_000, 80_000, 80_000]);
    expect(device.asked.at(-1)?.request).toBe('sync/checked');
  });

  it('makes nothing of an answer that makes no sense', async () => {
    const device = await Device.create(24 * HOUR);
    device.answer = () => '{"equal":"perhaps"}';
    device.check.ready(device.terms);
    await device.pass(HOUR);
    expect(device.asked).toHaveLength(1);
  });
});

it('a device whose database was salvaged compares as soon as it is in step', async () => {
  const device = await Device.create(24 * HOUR, {});
  device.check.ready(device.terms);
  await device.pass(1);
  expect(device.begun).toEqual([0]);
});

it('a device that is to compare never asks nothing', async () => {
  for (const every of [0, Number.POSITIVE_INFINITY]) {
    const device = await Device.create(every);
    device.check.ready(device.terms);
    await device.pass(100 * HOUR);
    expect(device.asked).toEqual([]);
  }
});
