import type { Database } from '@ioto/database';
import { CodedError } from '@ioto/runtime';
import { describe, expect, it } from 'vitest';
import { until, World } from '../../../test/world.ts';

const LATER = '2099-01-01T00:00:00.000Z';
const stored = (key: string, value: string) => ({
  _type: 'Store',
  sk: `s#${key}`,
  key,
  value,
  type: 'string',
  updated: LATER,
});
const command = { _type: 'Command', id: '01', command: 'blink', updated: LATER };

const full = async () => {
  throw new CodedError('DATABASE_FULL', 'the database is full', { status: 507 });
};
const broken = async () => {
  throw new CodedError('DATABASE_WRITE_FAILED', 'the disk failed', { status: 500 });
};

/** Has one method of a database fail until what this returns is called. */
function failing(database: Database, method: 'apply' | 'create', failure: () => Promise<never>): () => void {
  Object.defineProperty(database, method, { configurable: true, value: failure });
  return () => Reflect.deleteProperty(database, method);
}

/** Errors that an agent logs. */
function errorLog() {
  const errors: unknown[] = [];
  const note = () => undefined;
  const logger = { debug: note, info: note, warn: note, error: (facts: unknown) => void errors.push(facts) };
  return { errors, logger: { ...logger, child: () => logger } as never };
}

describe('a device that has no room for what the cloud sends', () => {
  it('stays connected, says so once, and has it with the next sync down that finds room', async () => {
    await using world = await World.create();
    const { errors, logger } = errorLog();
    const agent = await world.readyAgent({ logger });
    const { id } = agent;
    let ready = agent.next('cloud:ready', AbortSignal.timeout(5000));
    const makeRoom = failing(agent.db, 'apply', full);
    world.cloud.backlog = [
      { verb: 'UPSERT', item: stored('a', '1') },
      { verb: 'UPSERT', item: stored('b', '2') },
    ];
    world.cloud.cut(id);
    await ready;
    const { handshakes } = world.cloud;
    expect(
      await world.cloud.deliver(id, `ioto/device/${id}/sync/UPSERT`, JSON.stringify(stored('c', '3'))),
    ).toBe('acknowledged');
    expect(world.cloud.handshakes).toBe(handshakes);
    expect(errors).toEqual([{ what: 'Store', dropped: 1, error: 'the database is full' }]);
    makeRoom();
    world.cloud.backlog = [{ verb: 'UPSERT', item: stored('a', '1') }];
    ready = agent.next('cloud:ready', AbortSignal.timeout(5000));
    world.cloud.cut(id);
    await ready;
    expect(agent.store.get('a')).toBe('1');
    const [, before, again] = world.cloud.downRequests;
    expect(again).toBe(before);
  });

  it('connects and syncs also when it has none for what it says of itself', async () => {
    await using world = await World.create();
    const first = await world.readyAgent();
    await first.store.set('filler', 'x'.repeat(2000));
    await until(() => first.db.outbox.size === 0);
    await first.stop();
    const settings = { database: { maxSize: '1 kb', maxQueue: 1 }, device: { model: 'M2' } };
    const second = await world.readyAgent({ settings });
    await until(() => second.db.outbox.size === 0);
    await expect(second.store.set('more', 'x'.repeat(100))).rejects.toMatchObject({ code: 'DATABASE_FULL' });
    expect(second.status.connected).toBe(true);
  });
});

describe('a Command whose item was kept before the device failed', () => {
  it('is acted on when it comes again, and once', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    const runs: unknown[] = [];
    agent.on('device:command:blink', (facts) => runs.push(facts));
    const mend = failing(agent.db, 'create', broken);
    const ready = agent.next('cloud:ready', AbortSignal.timeout(5000));
    void world.cloud.sync(agent.id, 'INSERT', command);
    await agent.next('mqtt:disconnected', AbortSignal.timeout(5000));
    expect(agent.db.get('Command', { id: '01' })).toBeDefined();
    mend();
    await ready;
    await until(() => runs.length > 0);
    await world.cloud.sync(agent.id, 'INSERT', command);
    expect(runs).toEqual([{ id: '01', command: 'blink', args: {} }]);
  });

  it('is not acted on when it was removed meanwhile', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    const runs: unknown[] = [];
    agent.on('device:command', (facts) => runs.push(facts));
    await world.cloud.sync(agent.id, 'REMOVE', { ...command, updated: '2099-01-02T00:00:00.000Z' });
    await world.cloud.sync(agent.id, 'INSERT', command);
    expect(runs).toEqual([]);
  });
});
