import { chmod, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { silentLogger } from '@ioto/runtime';
import { describe, expect, it } from 'vitest';
import { Directory, until, World } from '../test/world.ts';
import { createAgent } from './build-agent.ts';

const LOCAL = { services: { database: true }, web: { listen: [] } };

describe('the state directory', () => {
  it('belongs to one agent: a second says who has it and does not start', async () => {
    await using directory = await Directory.create();
    const options = { state: directory.at('state'), logger: silentLogger, settings: LOCAL };
    const first = createAgent(options);
    await first.start();
    await expect(createAgent(options).start()).rejects.toMatchObject({
      code: 'STATE_IN_USE',
      message: expect.stringContaining(`process ${process.pid}`),
    });
    await first.stop();
    const second = createAgent(options);
    await second.start();
    await second.stop();
  });

  it.skipIf(process.getuid?.() === 0)('that cannot be written is one clear error', async () => {
    await using directory = await Directory.create();
    await mkdir(directory.at('state'));
    await chmod(directory.at('state'), 0o500);
    const agent = createAgent({ state: directory.at('state'), logger: silentLogger, settings: LOCAL });
    await expect(agent.start()).rejects.toMatchObject({ code: 'STATE_UNWRITABLE' });
    await chmod(directory.at('state'), 0o700);
  });

  it('below a file is one clear error', async () => {
    await using directory = await Directory.create();
    await writeFile(directory.at('file'), '');
    const agent = createAgent({
      state: directory.at('file', 'state'),
      logger: silentLogger,
      settings: LOCAL,
    });
    await expect(agent.start()).rejects.toMatchObject({ code: 'STATE_UNWRITABLE' });
  });

  it('holds private files only', async () => {
    await using world = await World.create();
    const agent = await world.readyAgent();
    await agent.store.set('a', 1);
    const state = world.directory.at('state');
    const names = (await readdir(state, { recursive: true, withFileTypes: true })).filter((entry) =>
      entry.isFile(),
    );
    expect(names.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['device.json5', 'provision.json5', 'ioto.crt', 'ioto.key']),
    );
    for (const { parentPath, name } of names) {
      if (name === 'lock') continue;
      expect(`${name} ${((await stat(`${parentPath}/${name}`)).mode & 0o077).toString(8)}`).toBe(`${name} 0`);
    }
  });

  it('loses provisioning, certificate and database by a reset, and keeps claim ID and identity key', async () => {
    await using world = await World.create();
    const first = await world.readyAgent();
    await first.store.set('mine', 'yes');
    const key = await world.state('certs', 'ioto.key');
    await first.stop();
    await writeFile(world.directory.at('state', 'config', 'provision.json5'), '{ broken');
    const second = world.agent({ reset: true, settings: { services: { register: true, database: true } } });
    const registered = second.next('device:registered', AbortSignal.timeout(5000));
    await second.start();
    await registered;
    expect(second.id).toBe(first.status.id);
    expect(second.store.get('mine')).toBeUndefined();
    expect(await world.state('certs', 'ioto.key')).toBe(key);
    await expect(world.state('certs', 'ioto.crt')).rejects.toThrow('ENOENT');
    await second.stop();
  });

  it('finishes at the next start a reset that a power cut had interrupted', async () => {
    await using world = await World.create();
    const first = await world.readyAgent();
    await first.stop();
    await writeFile(world.directory.at('state', 'reset.pending'), '');
    const second = world.agent();
    const waiting = second.next('device:waiting', AbortSignal.timeout(5000));
    world.cloud.claims.clear();
    await second.start();
    await waiting;
    await until(async () => !(await readdir(world.directory.at('state'))).includes('reset.pending'));
  });

  it('that takes no writes for a while delays the device, and costs it nothing', async () => {
    await using world = await World.create();
    const agent = world.agent();
    const waiting = agent.next('device:waiting');
    await agent.start();
    await waiting;
    const { id } = agent;
    const config = world.directory.at('state', 'config');
    await rename(config, `${config}.away`);
    await writeFile(config, 'as good as full');
    const retry = agent.next('cloud:retry', AbortSignal.timeout(5000));
    world.cloud.claim(id);
    expect(await retry).toMatchObject({ step: 'register' });
    const ready = agent.next('cloud:ready', AbortSignal.timeout(5000));
    await rm(config);
    await rename(`${config}.away`, config);
    expect(await ready).toMatchObject({ id });
  });

  it('that is another device is not taken over by an --id', async () => {
    await using world = await World.create();
    const first = await world.readyAgent();
    await first.stop();
    await expect(world.agent({ id: '0123456789' }).start()).rejects.toMatchObject({ code: 'ID_CONFLICT' });
  });
});
