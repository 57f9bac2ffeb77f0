import { describe, expect, it } from 'vitest';
import { ACCOUNT, DEVICE, World } from './database.fixture.ts';
import { LOSE_ALL } from './journal/simulated-disk.fixture.ts';

const UNCLAIMED = { context: { deviceId: DEVICE } };

describe('the context', () => {
  it('moves what was made before the claim under the account, and it survives a power cut', async () => {
    const world = new World();
    const db = await world.open(UNCLAIMED);
    await db.create('Store', { key: 'a', value: '1' });
    await db.create('Device', { id: DEVICE, name: 'Demo' });
    expect(db.get('Store', { key: 'a' })).not.toHaveProperty('accountId');
    await db.setContext({ accountId: ACCOUNT });
    world.disk = world.disk.crash(LOSE_ALL);
    const again = await world.open();
    for (const open of [db, again]) {
      expect(open.get('Store', { key: 'a' })).toMatchObject({
        value: '1',
        accountId: ACCOUNT,
        deviceId: DEVICE,
      });
      expect(open.get('Store', { key: 'a' }, { hidden: true })).toMatchObject({
        pk: `s#${ACCOUNT}#${DEVICE}`,
      });
      expect(open.get('Device', { id: DEVICE })).toMatchObject({ accountId: ACCOUNT });
      expect(open.stats.items).toBe(2);
      expect(
        open.outbox.pending(10).map(({ key, cmd, item }) => [key, cmd, Reflect.get(item, 'accountId')]),
      ).toEqual([
        [`d#${DEVICE}`, 'create', ACCOUNT],
        ['s#a', 'create', ACCOUNT],
      ]);
    }
  });

  it('forgets removals that no account ever heard of', async () => {
    const db = await new World().open(UNCLAIMED);
    await db.create('Store', { key: 'a' });
    db.outbox.markSent(db.outbox.pending(1));
    await db.remove('Store', { key: 'a' });
    await db.setContext({ accountId: ACCOUNT });
    expect(db.outbox.size).toBe(0);
  });

  it('gives the next account nothing of the last', async () => {
    const world = new World();
    const db = await world.open();
    await db.create('Store', { key: 'a' });
    await db.create('Command', { command: 'x' });
    await db.create('Broadcast', { key: 'b' });
    await db.create('Note', { id: 'mine' });
    await db.remove('Store', { key: 'a' });
    await db.create('Store', { key: 'c' });
    await db.setContext({ accountId: '01JOTHER' });
    world.disk = world.disk.crash(LOSE_ALL);
    for (const open of [db, await world.open({ context: undefined })]) {
      expect(open.context.accountId).toBe('01JOTHER');
      expect(open.outbox.size).toBe(0);
      expect(open.stats.items).toBe(1);
      expect(open.get('Note', { id: 'mine' })).toBeDefined();
    }
  });

  it('of the last run is known, and another one at the start counts as a change', async () => {
    const world = new World();
    const db = await world.open();
    await db.create('Store', { key: 'a' });
    await db.close();
    const same = await world.open({ context: undefined });
    expect(same.context).toEqual({ accountId: ACCOUNT, deviceId: DEVICE });
    expect(same.find('Store')).toHaveLength(1);
    await same.close();
    const released = await world.open(UNCLAIMED);
    expect(released.context.accountId).toBe(ACCOUNT);
    expect(released.find('Store')).toHaveLength(1);
    await released.close();
    const other = await world.open({ context: { accountId: '01JOTHER' } });
    expect(other.find('Store')).toHaveLength(0);
  });

  it('stays as it is when the change cannot be saved', async () => {
    const world = new World();
    const db = await world.open(UNCLAIMED);
    await db.create('Store', { key: 'a' });
    world.disk.fault = () => ({ code: 'EIO' });
    await expect(db.setContext({ accountId: ACCOUNT })).rejects.toMatchObject({
      code: 'DATABASE_WRITE_FAILED',
    });
    expect(db.context).toEqual({ deviceId: DEVICE });
    expect(db.get('Store', { key: 'a' })).toBeDefined();
  });

  it('can be cleared of what belongs to the cloud', async () => {
    const db = await new World().open();
    await db.create('Store', { key: 'a' });
    await db.create('Store', { key: 'b' });
    await db.remove('Store', { key: 'b' });
    await db.create('Note', { id: 'n' });
    const told: string[] = [];
    db.onChange(({ cmd, origin }) => told.push(`${cmd} ${origin}`));
    expect(await db.clearSynced()).toBe(1);
    expect(told).toEqual(['remove context']);
    expect(db.outbox.size).toBe(0);
    expect(db.find('Note')).toHaveLength(1);
    expect(await db.clearSynced()).toBe(0);
  });
});
