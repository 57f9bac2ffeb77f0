import { readdir, readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { World } from '../../../test/world.ts';

async function damage(world: World, text: string): Promise<void> {
  const [journal] = (await readdir(world.directory.at('state', 'db'))).filter((file) =>
    file.endsWith('.journal'),
  );
  const path = world.directory.at('state', 'db', journal as string);
  const bytes = await readFile(path);
  const at = bytes.indexOf(text);
  expect(at).toBeGreaterThan(0);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

describe('a device whose database is damaged', () => {
  it('starts with what can be read, tells what was lost, and has the rest again from the cloud', async () => {
    await using world = await World.create();
    const first = await world.readyAgent();
    await first.store.set('kept', 1);
    await first.store.set('hurt', 2);
    expect(first.db.get('SyncState', {})?.lastSync).toBeDefined();
    await first.stop();
    await damage(world, 'hurt');
    const second = world.agent();
    const told = second.next('database:salvaged');
    await second.start();
    expect(await told).toMatchObject({ lost: [{ reason: 'damaged' }] });
    expect(second.store.get('kept')).toBe(1);
    expect(second.store.get('hurt')).toBeUndefined();
    // It asks for everything, and sends everything, as after its first provisioning.
    expect(second.db.get('SyncState', {})?.lastSync).toBeUndefined();
    const ready = second.next('cloud:ready', AbortSignal.timeout(5000));
    await ready;
    expect(second.db.get('SyncState', {})?.lastSync).toBeDefined();
  });

  it('does not start where its maker would rather see to it', async () => {
    await using world = await World.create();
    const first = await world.readyAgent();
    await first.store.set('hurt', 2);
    await first.stop();
    await damage(world, 'hurt');
    const second = world.agent({ settings: { database: { onDamage: 'refuse' } } });
    await expect(second.start()).rejects.toMatchObject({ code: 'DATABASE_CORRUPT' });
  });
});

describe('a device whose database is in memory only', () => {
  const settings = { database: { durability: 'mem' } };

  it('keeps its owner over a restart, asks its cloud for everything, and runs no Command twice', async () => {
    await using world = await World.create();
    const first = await world.readyAgent({ settings });
    await first.store.set('kept', 1);
    await first.db.create('CommandRun', { id: 'C1' });
    const { accountId } = first.db.context;
    await first.stop();
    const second = world.agent({ settings });
    await second.start();
    expect(second.db.context.accountId).toBe(accountId);
    expect(second.db.get('CommandRun', { id: 'C1' })).toBeDefined();
    expect(second.store.get('kept')).toBeUndefined();
    // Nothing is known of an earlier sync: it asks for all that the cloud has.
    expect(second.db.get('SyncState', {})).toBeUndefined();
  });
});

describe('a database of bounded size', () => {
  it('refuses what is too much for it, with an error of its own', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent({ settings: { database: { maxSize: '2k' } } });
    await expect(agent.store.set('big', 'x'.repeat(3000))).rejects.toMatchObject({ code: 'DATABASE_FULL' });
    await agent.store.set('small', 'x');
  });
});
