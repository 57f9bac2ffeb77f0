import { mkdir, writeFile } from 'node:fs/promises';
import { silentLogger } from '@ioto/runtime';
import { describe, expect, it } from 'vitest';
import { until, World } from '../../../test/world.ts';

const checkIns = (world: World) =>
  world.cloud.calls.filter(({ path }) => path === '/api/tok/provision/update');

describe('an agent with the service update', () => {
  it('asks its cloud for other software, also when its owner tells it to by a Command', async () => {
    await using world = await World.create();
    const settings = { version: '1.2.0', update: { delay: '10 msec', jitter: 0 }, device: { model: 'L2' } };
    const agent = await world.readyAgent({ settings });
    await until(() => checkIns(world).length > 0);
    const [first] = checkIns(world);
    expect(first?.body).toMatchObject({ id: agent.id, version: '1.2.0', iotoVersion: '3.0.0', model: 'L2' });
    expect(first?.headers.authorization).toMatch(/^bearer token-/);
    await world.cloud.sync(agent.id, 'INSERT', {
      ...{ _type: 'Command', sk: `command#account1#${agent.id}#1`, id: '1', command: 'update', args: {} },
      updated: new Date().toISOString(),
    });
    await until(() => checkIns(world).length === 2);
  });

  it('says so where the version is none by which updates can be told apart, and goes on without', async () => {
    await using world = await World.create();
    const warnings: string[] = [];
    const logger = {
      ...silentLogger,
      warn: (_facts: object, message: string) => void warnings.push(message),
    };
    const settings = { version: '1.2', update: { delay: 0 } };
    await world.readyAgent({ settings, logger });
    expect(warnings).toContainEqual(expect.stringContaining('"1.2" is no version such as 1.2.3'));
    expect(checkIns(world)).toEqual([]);
  });

  it.each([
    [{ keys: 'nowhere.pem' }, 'update.keys: '],
    [{ keys: '@state/not-a.key' }, 'expected Ed25519 public keys as PEM'],
    [{ schedule: 'nightly' }, 'update.schedule: "nightly" is no cron pattern'],
    [{ period: 'often' }, 'update.period'],
  ])('does not start with the mistake %j', async (update, why) => {
    await using world = await World.create();
    const agent = world.agent({ settings: { update } });
    const state = world.directory.at('state');
    await mkdir(state, { recursive: true });
    await writeFile(world.directory.at('state', 'not-a.key'), 'secret');
    const refused = { code: 'CONFIG_INVALID', message: expect.stringContaining(why) };
    await expect(agent.start()).rejects.toMatchObject(refused);
    await expect(agent.start()).rejects.not.toMatchObject({ message: expect.stringContaining('secret') });
  });
});
