import { until } from '@ioto/testkit/until';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CloudWorld, type WorldDevice } from '../websocket/cloud-world.fixture.ts';

let world: CloudWorld;
let accountId: string;
let other: string;
let device: WorldDevice;

beforeAll(async () => {
  world = await CloudWorld.create({ region: 'here' });
  accountId = await world.account();
  other = await world.account('Other');
  device = await world.device(accountId);
});
afterAll(() => world?.[Symbol.asyncDispose]());

describe('getCreds of a device', () => {
  const path = '/tok/device/getCreds';

  it('answers what the contract says (Ioto contract §6), for an hour', async () => {
    const answer = await world.deviceCredentials(device);
    expect(Object.keys(answer).sort()).toEqual(
      ['accessKeyId', 'endpoints', 'expires', 'region', 'secretAccessKey', 'sessionToken'].sort(),
    );
    expect(answer.region).toBe('here');
    const { origin } = new URL(world.cloud.place().api);
    expect(answer.endpoints).toEqual({ logs: origin, s3: origin, monitoring: origin });
    const left = Date.parse(answer.expires) - Date.now();
    expect(left).toBeGreaterThan(3_500_000);
    expect(left).toBeLessThanOrEqual(3_600_000);
  });

  it('wants the signature of a device that registered with a key', async () => {
    const { status, json } = await world.post(path, device.token, '');
    expect([status, json.code]).toEqual([401, expect.stringMatching(/^SIGNATURE_/)]);
  });

  it('serves an agent in the field, which signs nothing and sends no type of content', async () => {
    const old = await world.oldDevice(accountId);
    const headers = { 'ioto-agent': '1' };
    const { status, json } = await world.post(path, old.token, '', headers);
    expect([status, json.region]).toEqual([200, 'here']);
    const client = await world.client(await world.presigned(json as never, { region: 'here' }), old.id);
    await client.endAsync();
  });

  it('refuses in the dialect of agents in the field', async () => {
    const old = await world.oldDevice(accountId);
    const headers = { 'ioto-agent': '1' };
    const refused = await world.post(path, 'x.y.1.z', '', headers);
    expect([refused.status, refused.text]).toEqual([401, 'Authentication failed']);
    for (let n = 0; n < 60; n += 1) expect((await world.post(path, old.token, '', headers)).status).toBe(200);
    const much = await world.post(path, old.token, '', headers);
    expect([much.status, much.json]).toEqual([200, expect.objectContaining({ delay: 600 })]);
    expect((await world.post(path, old.token, '')).status).toBe(429);
    await world.release(old.id);
    const released = await world.post(path, old.token, '', headers);
    expect([released.status, released.text]).toEqual([401, 'Authentication failed']);
  });
});

describe('getCreds of an account', () => {
  const path = '/account/getCreds';
  const ask = (bearer: string, body: object) => world.post(path, bearer, body);

  it('gives a user what its role covers, viewer unless it asks for more, and never more', async () => {
    const { login } = await world.user(accountId, 'user');
    for (const [role, status] of [
      [undefined, 200],
      ['viewer', 200],
      ['user', 200],
      ['admin', 403],
      ['owner', 400],
    ] as const) {
      expect([role, (await ask(login, { role })).status]).toEqual([role, status]);
    }
    const viewer = await world.user(accountId, 'viewer');
    expect((await ask(viewer.login, {})).status).toBe(200);
  });

  it('is for one’s own account, or any for who may act on all', async () => {
    const { login } = await world.user(accountId, 'admin');
    expect((await ask(login, { accountId: other })).status).toBe(403);
    const token = async (of?: string) =>
      String(
        (await world.admin('/token/create', { type: 'cloudApi', accountId: of, role: 'user' })).json.token,
      );
    expect((await ask(await token(accountId), {})).status).toBe(200);
    expect((await ask(await token(accountId), { accountId: other })).status).toBe(403);
    expect((await ask(await token(), { accountId: other })).status).toBe(200);
    expect((await ask(await token(), {})).status).toBe(400);
    const unknown = { accountId: '01J00000000000000000000000' };
    expect((await world.admin(path, unknown)).status).toBe(404);
    expect((await ask('', { accountId })).status).toBe(401);
    expect((await world.post(`/tok${path}`, await token(accountId), {})).status).toBe(200);
    const builder = (await world.admin('/token/create', { type: 'builderApi' })).json.token;
    expect((await ask(String(builder), { accountId })).status).toBe(403);
  });

  it('holds as long as asked, within limits, and not longer than the token it was asked with', async () => {
    const seconds = async (bearer: string, body: object) => {
      const { status, json } = await ask(bearer, body);
      return status === 200 ? Math.round((Date.parse(String(json.expires)) - Date.now()) / 60_000) : status;
    };
    const { login } = await world.user(accountId, 'viewer');
    expect(await seconds(login, {})).toBe(60);
    expect(await seconds(login, { seconds: 900 })).toBe(15);
    for (const wrong of [899, 43_201, 1000.5]) expect(await seconds(login, { seconds: wrong })).toBe(400);
    // A login lasts for twelve hours, some moments of which are over.
    expect(await seconds(login, { seconds: 43_200 })).toBe(720);
    const brief = async (life: string) =>
      String((await world.admin('/token/create', { type: 'cloudApi', accountId, life })).json.token);
    expect(await seconds(await brief('30 mins'), { seconds: 7200 })).toBe(30);
    expect(await seconds(await brief('5 mins'), {})).toBe(409);
  });

  it('is recorded with the access key, and without a secret', async () => {
    const { login, id } = await world.user(accountId, 'admin');
    const { json } = await ask(login, { role: 'user' });
    const { items } = (await world.post('/audit/find', login, {})).json as {
      items: Record<string, unknown>[];
    };
    const entry = items.find(({ action }) => action === 'credentials.issued');
    expect(entry).toMatchObject({
      actor: `user:${id}`,
      details: { accessKeyId: json.accessKeyId, role: 'user' },
    });
    const text = JSON.stringify(items);
    expect(text.includes(String(json.secretAccessKey)) || text.includes(String(json.sessionToken))).toBe(
      false,
    );
  });
});

describe('the log of the cloud', () => {
  it('holds no secret, whatever became of a credential', async () => {
    const lines: string[] = [];
    const note = (facts: unknown, text?: string) => void lines.push(JSON.stringify([facts, text]));
    const logger = { debug: note, info: note, warn: note, error: note } as never;
    await using own = await CloudWorld.create({ logger });
    const keys = await own.toolCredentials(await own.account());
    const client = await own.tool(keys, 'console');
    await client.endAsync();
    await expect(own.client(`${await own.presigned(keys)}0`, 'console')).rejects.toThrow();
    await until('the connection to be logged', () =>
      lines.some((line) => line.includes('tool disconnected')),
    );
    const all = lines.join('\n');
    for (const secret of [keys.secretAccessKey, keys.sessionToken]) expect(all.includes(secret)).toBe(false);
  });
});
