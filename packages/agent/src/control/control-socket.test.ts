import { mkdir, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { silentLogger } from '@ioto/runtime';
import { describe, expect, it } from 'vitest';
import { Directory, until, World } from '../../test/world.ts';
import { askAgent, ControlSocket } from './control-socket.ts';

describe('the control socket', () => {
  it('lets ioto wake end a backoff at once', async () => {
    await using world = await World.create();
    world.cloud.intercept = () => ({ status: 503, body: { error: 'down' } });
    const agent = world.agent({ settings: { register: { first: '1 hour', limit: '1 hour' } } });
    const retrying = agent.next('cloud:retry');
    await agent.start();
    await retrying;
    world.cloud.intercept = () => undefined;
    const registered = agent.next('device:registered', AbortSignal.timeout(5000));
    await askAgent(world.directory.at('state'), 'wake');
    await registered;
  });

  it('works in a directory whose path is too long for a socket, and is private', async () => {
    await using directory = await Directory.create();
    const state = directory.at('a'.repeat(120));
    await mkdir(state);
    let woken = 0;
    const control = new ControlSocket(
      state,
      {
        wake: () => {
          woken += 1;
        },
      },
      silentLogger,
    );
    await control.start();
    await askAgent(state, 'wake');
    expect(woken).toBe(1);
    expect((await stat(`${state}/control.sock`)).mode & 0o777).toBe(0o600);
    await control.stop();
    await expect(askAgent(state, 'wake')).rejects.toMatchObject({ code: 'CONTROL_NONE' });
  });

  it('takes over from a killed agent, whose socket still lies there', async () => {
    await using directory = await Directory.create();
    const dead = new ControlSocket(directory.path, {}, silentLogger);
    await dead.start();
    const control = new ControlSocket(directory.path, { wake: () => undefined }, silentLogger);
    await control.start();
    await askAgent(directory.path, 'wake');
    await control.stop();
    await dead.stop();
  });

  it('refuses what it does not know, and whoever talks too long', async () => {
    await using directory = await Directory.create();
    const control = new ControlSocket(directory.path, { wake: () => undefined }, silentLogger);
    await control.start();
    await expect(askAgent(directory.path, 'constructor')).rejects.toMatchObject({ code: 'CONTROL_REFUSED' });
    let closed = false;
    connect(directory.at('control.sock'))
      .on('close', () => {
        closed = true;
      })
      .on('error', () => undefined)
      .resume()
      .write('x'.repeat(10_000));
    await until(() => closed);
    await control.stop();
  });

  it('says so where no agent runs', async () => {
    await expect(askAgent('/no/such/state', 'wake')).rejects.toMatchObject({
      code: 'CONTROL_NONE',
      message: expect.stringContaining('/no/such/state'),
    });
  });
});
