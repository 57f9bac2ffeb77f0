import { fileURLToPath } from 'node:url';
import { callApi, Program } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

const SCRIPT = fileURLToPath(new URL('./devices/measuring-device.mjs', import.meta.url));

let world: World;
let program: Program;
let id: string;

beforeAll(async () => {
  world = await World.create();
  const files = await world.device({ settings: { services: { mqtt: true } } });
  program = Program.spawnScript(SCRIPT, [files.config, files.state]);
  id = await world.registered(files);
  expect((await world.claim(id)).status).toBe(200);
  await program.waitFor(/connected\./);
});
afterAll(async () => {
  await program?.kill();
  await world?.[Symbol.asyncDispose]();
});

async function ask(part: 'store' | 'metric', verb: string, ...given: unknown[]): Promise<unknown> {
  const [, port] = await program.waitFor(/asked at (\d+)\./);
  const { status, text } = await callApi({
    url: `http://127.0.0.1:${port}/`,
    body: { part, verb, given },
  });
  if (status !== 200) throw new Error(text);
  return JSON.parse(text);
}

const api = (path: string, body: object) => world.cloud.call(path, { bearer: world.owner.token, body });

describe('a device without a database', () => {
  it('has its store in the cloud, in the types that it set', async () => {
    for (const value of [21.5, 'true', { open: [1, 2] }]) {
      await ask('store', 'set', 'door', value);
      expect(await ask('store', 'fetch', 'door')).toEqual(value);
    }
    expect(await world.stored(id, 'door')).toBe('{"open":[1,2]}');
    await ask('store', 'remove', 'door');
    expect(await ask('store', 'fetch', 'door')).toBeNull();
    await expect(ask('store', 'get', 'door')).rejects.toThrow('SERVICE_OFF');
  });

  it('reads back what it measured, and so does its owner', async () => {
    const dimensions = { Device: '${deviceId}' };
    for (const value of [20, 22]) {
      expect(await ask('metric', 'set', 'temperature', value, [{}, dimensions])).toBe('sent');
    }
    expect(await ask('metric', 'get', 'temperature', dimensions, 300, 'avg')).toBe(21);
    expect(await ask('metric', 'get', 'temperature', {}, 300, 'current')).toBe(22);
    const question = { metric: 'temperature', dimensions, period: 3600, statistic: 'max' };
    const { status, json } = await api('/metric/fetch', { deviceId: id, ...question });
    expect(status).toBe(200);
    expect(json).toMatchObject({
      dimensions: { Device: id },
      interval: 300,
      points: [{ value: 22, count: 2 }],
    });
    const many = await api('/metric/fetch', { deviceId: id, items: [{ ...question, accumulate: true }] });
    expect(many.json.items).toMatchObject([{ points: [{ value: 22, count: 2 }] }]);
    const { items } = (await api('/metric/find', {})).json as { items: unknown[] };
    expect(items).toHaveLength(2);
    const named = ['--account', world.owner.accountId, '--dimension', `Device=${id}`];
    const shown = await world.run(['metric', 'show', 'temperature', ...named, '--statistic', 'sum']);
    expect(shown.stdout).toBe('42\n');
  });

  it('is told what is wrong with a question, and a stranger gets nothing', async () => {
    await expect(ask('metric', 'set', '', 1)).rejects.toThrow('METRIC_INVALID');
    const question = { metric: 'temperature', dimensions: { Device: id }, period: 3600, statistic: 'max' };
    const half = await api('/metric/fetch', { metric: 'temperature' });
    expect([half.status, half.json.error]).toEqual([400, expect.stringContaining('period')]);
    expect((await api('/metric/fetch', { ...question, statistic: 'mean' })).status).toBe(400);
    const stranger = await world.newOwner('Stranger', 'stranger@example.com');
    const { accountId } = world.owner;
    const bearer = stranger.token;
    const own = await world.cloud.call('/metric/fetch', { bearer, body: question });
    expect(own.json.points).toEqual([]);
    const other = await world.cloud.call('/metric/fetch', { bearer, body: { ...question, accountId } });
    expect(other.status).toBe(403);
  });
});

describe('a broadcast to all accounts', () => {
  it('is the operator’s alone to make', async () => {
    const body = { key: 'tariff', value: 'low' };
    expect((await api('/broadcast/set', body)).status).toBe(403);
    const broadcast = { _type: 'Broadcast', ...body };
    expect((await world.adminCall('/generic/create', { ...broadcast, accountId: 'all' })).status).toBe(404);
    expect((await world.run(['broadcast', 'set', 'tariff', 'low'])).stdout).toBe('tariff\n');
    expect((await world.run(['broadcast', 'list'])).stdout).toBe('tariff\n');
    expect((await world.run(['audit'])).stderr).toContain('broadcast.set by admin, key tariff');
  });
});
