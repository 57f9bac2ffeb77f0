import { compileSchema, completeSchema, Database } from '@ioto/database';
import { silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit';
import { describe, expect, it } from 'vitest';
import { type Sent, WebWorld } from '../web-world.fixture.ts';

const owner = { accountId: { type: 'string', required: true }, deviceId: { type: 'string', required: true } };
const Zone = {
  pk: { type: 'string', value: 'zone#${accountId}#${deviceId}' },
  sk: { type: 'string', value: 'zone#${floor}#${id}' },
  ...owner,
  floor: { type: 'number', required: true },
  id: { type: 'string', generate: 'ulid' },
  name: { type: 'string', enum: ['hall', 'attic'] },
  level: { type: 'number' },
  maker: { type: 'string', readonly: true },
  label: { type: 'string', value: '${floor}/${name}', hidden: false },
  secret: { type: 'string', hidden: true, default: 'x' },
};
const Settings = {
  pk: { type: 'string', value: 'settings#${accountId}' },
  sk: { type: 'string', value: 'settings#${deviceId}' },
  ...owner,
  theme: { type: 'string' },
};
const User = { ...Settings, sk: { type: 'string', value: 'u#${username}' }, username: { type: 'string' } };
const open = { read: 'public', write: 'public' };
const schema = compileSchema(
  completeSchema({
    models: {
      Zone,
      Settings,
      User,
      Hidden: Settings,
      Seen: { ...Zone, sk: { type: 'string', value: 'seen#${id}' } },
    },
    process: {
      Zone: { web: open },
      Settings: { web: open },
      User: { web: open },
      Seen: { web: { read: 'public' } },
      Command: { enable: true, sync: 'down', web: open },
      Log: { enable: true, sync: 'up', web: { read: 'public', write: 'admin' } },
      Store: { enable: true, sync: 'up', web: { read: 'user', write: 'admin' } },
    },
  }),
);

class Device implements AsyncDisposable {
  readonly web: WebWorld;
  readonly database: Database;

  private constructor(web: WebWorld, database: Database) {
    this.web = web;
    this.database = database;
  }

  static async create(route: Record<string, unknown> = {}): Promise<Device> {
    const web = await WebWorld.create({
      web: { routes: [{ match: '/api/db/', handler: 'rest', ...route }] },
    });
    const database = await Database.open({
      directory: web.directory.at('db'),
      ...{ schema, logger: silentLogger, clock: new VirtualClock(), durability: 'mem', maxItemSize: 60_000 },
      context: { accountId: 'A1', deviceId: 'D1' },
    });
    web.database = database;
    return new Device(web, database);
  }

  /** Sends a value as JSON; gives the status and the value that comes back. */
  async ask(method: string, path: string, value?: unknown, headers: Record<string, string> = {}) {
    const sent: Sent = {
      headers: { ...(value !== undefined && { 'content-type': 'application/json' }), ...headers },
      body: value === undefined ? '' : JSON.stringify(value),
    };
    const answer = await this.web.send(method, `/api/db/${path}`, sent);
    return { ...answer, value: answer.text === '' ? undefined : JSON.parse(answer.text) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.database.close();
    await this.web[Symbol.asyncDispose]();
  }
}

describe('the database over the web', () => {
  it('has a door for who needs a role of a model, and none where its own route needs none', async () => {
    await using device = await Device.create();
    expect((await device.web.get('/api/public/login')).status).toBe(200);
    await using listed = await Device.create({ models: ['Zone'] });
    expect((await listed.web.get('/api/public/login')).status).toBe(404);
  });

  it('gives, makes, changes and removes items by their keys', async () => {
    await using device = await Device.create();
    const made = await device.ask('POST', 'Zone', { floor: 1, id: 'a b', name: 'hall' });
    expect(made).toMatchObject({ status: 201, headers: { location: '/api/db/Zone/1/a%20b' } });
    expect(made.value).toMatchObject({
      _type: 'Zone',
      floor: 1,
      accountId: 'A1',
      deviceId: 'D1',
      label: '1/hall',
    });
    expect(made.value).not.toHaveProperty('secret');
    const got = await device.ask('GET', 'Zone/1/a%20b');
    expect([got.status, got.value, got.headers.etag]).toEqual([200, made.value, made.headers.etag]);
    expect((await device.ask('PATCH', 'Zone/1/a%20b', { level: 3 })).value).toMatchObject({
      level: 3,
      name: 'hall',
    });
    const whole = await device.ask('PUT', 'Zone/1/a%20b', { name: 'attic' });
    expect([whole.status, whole.value.level, whole.value.name]).toEqual([200, undefined, 'attic']);
    expect((await device.ask('PUT', 'Zone/2/new', { name: 'attic' })).status).toBe(201);
    expect((await device.ask('DELETE', 'Zone/1/a%20b')).status).toBe(204);
    for (const method of ['GET', 'DELETE', 'PATCH']) {
      const value = method === 'PATCH' ? {} : undefined;
      expect((await device.ask(method, 'Zone/1/a%20b', value)).status, method).toBe(404);
    }
  });

  it('keeps what clients do not see when an item is another as a whole', async () => {
    await using device = await Device.create();
    await device.database.create('Zone', { floor: 1, id: 'a', secret: 'kept', level: 1 });
    const { value } = await device.ask('GET', 'Zone/1/a');
    expect((await device.ask('PUT', 'Zone/1/a', { ...value, level: 2 })).status).toBe(200);
    expect(device.database.get('Zone', { floor: 1, id: 'a' }, { hidden: true })).toMatchObject({
      ...{ secret: 'kept', level: 2 },
    });
  });

  it('lists page by page, by fields that all of them have', async () => {
    await using device = await Device.create();
    for (let n = 0; n < 5; n += 1)
      await device.database.create('Zone', { floor: n % 2, id: `z${n}`, level: n });
    const first = await device.ask('GET', 'Zone?limit=2');
    const second = await device.ask('GET', `Zone?limit=2&next=${encodeURIComponent(first.value.next)}`);
    const third = await device.ask('GET', `Zone?limit=2&next=${encodeURIComponent(second.value.next)}`);
    const ids = [first, second, third].flatMap(({ value }) =>
      value.items.map(({ id }: { id: string }) => id),
    );
    expect(ids).toEqual(['z0', 'z2', 'z4', 'z1', 'z3']);
    expect(third.value).not.toHaveProperty('next');
    expect((await device.ask('GET', 'Zone?floor=1&level=3')).value.items).toHaveLength(1);
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'next=x', 'secret=x', 'sk=zone%23', 'none=1']) {
      expect((await device.ask('GET', `Zone?${query}`)).status, query).toBe(400);
    }
  });

  it('ends a list before it gets too long', async () => {
    await using device = await Device.create();
    const maker = 'x'.repeat(50_000);
    for (let n = 0; n < 25; n += 1)
      await device.database.create('Zone', { floor: 1, id: `${n + 10}`, maker });
    const { value, text } = await device.ask('GET', 'Zone');
    expect(text.length).toBeLessThan(1024 * 1024 + 200);
    expect(value.items).toHaveLength(20);
    const rest = await device.ask('GET', `Zone?next=${encodeURIComponent(value.next)}`);
    expect(rest.value.items.map(({ id }: { id: string }) => id)).toEqual(['30', '31', '32', '33', '34']);
  });

  it('has an item without a key of its own at its model', async () => {
    await using device = await Device.create();
    expect((await device.ask('GET', 'Settings')).status).toBe(404);
    expect((await device.ask('PUT', 'Settings', { theme: 'dark' })).status).toBe(201);
    expect((await device.ask('GET', 'Settings')).value).toMatchObject({ theme: 'dark' });
    expect((await device.ask('DELETE', 'Settings')).status).toBe(204);
  });

  it('heeds conditions by the version of an item', async () => {
    await using device = await Device.create();
    const { etag = '' } = (await device.ask('PUT', 'Zone/1/a', { level: 1 })).headers;
    expect(await device.ask('GET', 'Zone/1/a', undefined, { 'if-none-match': etag })).toMatchObject({
      status: 304,
    });
    const both = await Promise.all(
      [2, 3].map((level) => device.ask('PATCH', 'Zone/1/a', { level }, { 'if-match': etag })),
    );
    expect(both.map(({ status }) => status).sort()).toEqual([200, 412]);
    expect((await device.ask('DELETE', 'Zone/1/a', undefined, { 'if-match': etag })).status).toBe(412);
    expect((await device.ask('PUT', 'Zone/1/a', {}, { 'if-none-match': '*' })).status).toBe(412);
    expect((await device.ask('PUT', 'Zone/1/b', {}, { 'if-match': '*' })).status).toBe(412);
  });

  it.each<[string, string, string, unknown, number, string]>([
    ['a key that is taken', 'POST', 'Zone', { floor: 1, id: 'a' }, 409, 'ITEM_EXISTS'],
    ['a value that does not fit', 'PATCH', 'Zone/1/a', { level: 'high' }, 400, 'FIELD_INVALID'],
    ['a value that is none of those', 'PATCH', 'Zone/1/a', { name: 'cellar' }, 400, 'FIELD_INVALID'],
    ['a field that is missing', 'POST', 'Zone', { id: 'b' }, 400, 'FIELD_REQUIRED'],
    ['a field that there is not', 'PATCH', 'Zone/1/a', { colour: 'red' }, 400, 'WEB_BODY_SYNTAX'],
    ['a hidden field', 'PATCH', 'Zone/1/a', { secret: 'y' }, 400, 'WEB_BODY_SYNTAX'],
    ['a key of its own', 'PATCH', 'Zone/1/a', { pk: 'x', sk: 'y' }, 400, 'WEB_BODY_SYNTAX'],
    ['what only the device may change', 'PATCH', 'Zone/1/a', { maker: 'y' }, 409, 'WEB_CONFLICT'],
    ['what only the device may change, as it is', 'PATCH', 'Zone/1/a', { maker: 'm' }, 200, ''],
    ['a list', 'POST', 'Zone', [{}], 400, 'WEB_BODY_SYNTAX'],
    ['too many keys', 'GET', 'Zone/1/a/b', undefined, 404, 'WEB_NOT_FOUND'],
    ['too few keys', 'GET', 'Zone/1', undefined, 404, 'WEB_NOT_FOUND'],
    ['a model that there is not', 'GET', 'Zones', undefined, 404, 'WEB_NOT_FOUND'],
    ['a model that says nothing of the web', 'GET', 'Hidden', undefined, 404, 'WEB_NOT_FOUND'],
    ['users, whatever the schema says', 'GET', 'User', undefined, 404, 'WEB_NOT_FOUND'],
    ['commands, whatever the schema says', 'GET', 'Command', undefined, 404, 'WEB_NOT_FOUND'],
    ['nothing', 'GET', '', undefined, 404, 'WEB_NOT_FOUND'],
    ['a change of what is only shown', 'POST', 'Seen', {}, 405, 'WEB_METHOD'],
    ['a list as a whole', 'DELETE', 'Zone', undefined, 405, 'WEB_METHOD'],
    ['a change that needs a role', 'POST', 'Log', { message: 'x' }, 401, 'WEB_SIGN_IN'],
    ['a look that needs a role', 'GET', 'Store', undefined, 401, 'WEB_SIGN_IN'],
  ])('answers %s as it should', async (_what, method, path, value, status, code) => {
    await using device = await Device.create();
    await device.database.create('Zone', { floor: 1, id: 'a', maker: 'm' });
    const answer = await device.ask(method, path, value);
    expect([answer.status, answer.value?.error?.code ?? '']).toEqual([status, code]);
  });

  it('is nobody’s but the owner’s, whatever a client says', async () => {
    await using device = await Device.create();
    const body = { floor: 1, id: 'a', accountId: 'A2', deviceId: 'D2' };
    expect((await device.ask('POST', 'Zone', body)).value).toMatchObject({ accountId: 'A1', deviceId: 'D1' });
    expect((await device.ask('GET', 'Zone?accountId=A2')).status).toBe(400);
  });

  it('takes no item that is too large', async () => {
    await using device = await Device.create();
    const answer = await device.ask('POST', 'Zone', { floor: 1, maker: 'x'.repeat(61_000) });
    expect([answer.status, answer.value.error.code]).toEqual([413, 'ITEM_TOO_LARGE']);
  });

  it('shows the models that a route lists and no others, by the role of the route', async () => {
    await using device = await Device.create({ models: ['Store', 'User'] });
    expect((await device.ask('PUT', 'Store/a', { value: '1' })).status).toBe(201);
    for (const name of ['Zone', 'User']) expect((await device.ask('GET', name)).status).toBe(404);
    expect(device.web.warnings).toHaveLength(1);
  });

  it('is away while there is none', async () => {
    await using device = await Device.create();
    device.web.database = undefined;
    expect((await device.ask('GET', 'Zone')).status).toBe(503);
  });
});

describe('REST that cannot be meant', () => {
  const start = async (web: Record<string, unknown>) => {
    await using directory = await WebWorld.create();
    const database = await Database.open({
      ...{ directory: directory.directory.at('db'), schema, logger: silentLogger, clock: new VirtualClock() },
      context: { accountId: 'A1', deviceId: 'D1' },
    });
    try {
      return await WebWorld.create({ web, prepare: (world) => Object.assign(world, { database }) });
    } finally {
      await database.close();
    }
  };

  it('is an error at the start where a route names a model that there is not', async () => {
    const routes = [{ match: '/a' }, { match: '/api/db/', handler: 'rest', role: 'user', models: ['Zne'] }];
    await expect(start({ routes })).rejects.toThrow(
      /web\.routes\.1\.models: the schema has no model Zne: .*Zone/,
    );
  });

  it('is warned of where a model asks for a role that there is not', async () => {
    const routes = [{ match: '/api/db/', handler: 'rest' }];
    await using web = await start({ routes, auth: { roles: { user: [] } } });
    expect(web.warnings).toContainEqual(expect.stringContaining('REST lets nobody in'));
  });
});
