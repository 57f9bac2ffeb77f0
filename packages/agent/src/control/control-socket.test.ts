import { mkdir, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { CodedError, silentLogger } from '@ioto/runtime';
import { describe, expect, it } from 'vitest';
import { Directory, until, World } from '../../test/world.ts';
import { askAgent, requestRows } from './ask-agent.ts';
import { ControlSocket } from './control-socket.ts';

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

  it('answers a request row by row, and tells what was wrong with one by its code', async () => {
    await using directory = await Directory.create();
    let asked = 0;
    async function* rows({ count = 0 }: { count?: number }) {
      for (asked = 0; asked < count; asked += 1) yield { number: asked, text: 'x'.repeat(1000) };
      if (count === 3) throw new CodedError('ITEM_MISSING', 'three is too few', { details: { count } });
    }
    const control = new ControlSocket(directory.path, {}, silentLogger, { rows });
    await control.start();
    const got: object[] = [];
    for await (const row of requestRows(directory.path, { do: 'rows', count: 500 })) got.push(row);
    expect(got).toHaveLength(500);
    expect(got[499]).toMatchObject({ number: 499 });
    const refused = async (request: object) => {
      for await (const _row of requestRows(directory.path, request));
    };
    await expect(refused({ do: 'rows', count: 3 })).rejects.toMatchObject({
      code: 'ITEM_MISSING',
      message: 'three is too few',
      details: { count: 3 },
    });
    await expect(refused({ do: 'constructor' })).rejects.toMatchObject({ code: 'CONTROL_REFUSED' });
    // Who does not take its answer does not make the agent keep it.
    const lazy = requestRows(directory.path, { do: 'rows', count: 1_000_000 });
    await lazy.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(asked).toBeLessThan(10_000);
    await control.stop();
    await expect(refused({ do: 'rows' })).rejects.toMatchObject({ code: 'CONTROL_NONE' });
  });

  it('leaves nothing behind on a connection whose reader is slow', async () => {
    await using directory = await Directory.create();
    const warnings: string[] = [];
    const onWarning = ({ name }: Error) => warnings.push(name);
    process.on('warning', onWarning);
    async function* rows() {
      for (let at = 0; at < 200; at += 1) yield { text: 'x'.repeat(100_000) };
    }
    const control = new ControlSocket(directory.path, {}, silentLogger, { rows });
    await control.start();
    let got = 0;
    for await (const _row of requestRows(directory.path, { do: 'rows' })) got += 1;
    expect(got).toBe(200);
    await control.stop();
    await new Promise((resolve) => setTimeout(resolve, 10));
    process.off('warning', onWarning);
    expect(warnings).toEqual([]);
  });

  it('says what to do about a request that is too large, and when too many are asked at once', async () => {
    await using directory = await Directory.create();
    async function* rows() {
      for (;;) yield { text: 'x'.repeat(1000) };
    }
    const control = new ControlSocket(directory.path, { wake: () => undefined }, silentLogger, { rows });
    await control.start();
    const first = (request: object) => requestRows(directory.path, request).next();
    await expect(first({ do: 'rows', text: 'x'.repeat(3e6) })).rejects.toMatchObject({
      code: 'CONTROL_TOO_LARGE',
      message: expect.stringMatching(/stop it, and try again/),
    });
    const readers = Array.from({ length: 8 }, () => requestRows(directory.path, { do: 'rows' }));
    for (const reader of readers) await reader.next();
    await expect(first({ do: 'rows' })).rejects.toMatchObject({
      code: 'CONTROL_BUSY',
      message: expect.stringMatching(/8 programs already: try again/),
    });
    await askAgent(directory.path, 'wake');
    const idle = Array.from({ length: 8 }, () => connect(directory.at('control.sock')));
    await expect(first({ do: 'rows' })).rejects.toMatchObject({
      code: 'CONTROL_BROKEN',
      message: expect.stringMatching(/no answer.*Try again/),
    });
    for (const socket of idle) socket.destroy();
    for (const reader of readers) await reader.return(undefined);
    await control.stop();
  });

  it('says so where no agent runs', async () => {
    await expect(askAgent('/no/such/state', 'wake')).rejects.toMatchObject({
      code: 'CONTROL_NONE',
      message: expect.stringContaining('/no/such/state'),
    });
  });
});
