import { newClaimId } from '@ioto/protocol';
import { type ApiAnswer, callApi } from '@ioto/testkit/api-call';
import { TempDirectory } from '@ioto/testkit/programs/temp-directory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cloud, createCloud } from './build-cloud.ts';
import type { Role } from './http/principal.ts';

let directory: TempDirectory;
let cloud: Cloud;
let accountId: string;
let deviceId: string;

beforeAll(async () => {
  directory = await TempDirectory.create();
  cloud = createCloud({ state: directory.at('cloud'), listen: '127.0.0.1:0' });
  await cloud.start();
  accountId = await made('/account/create', { name: 'Owner' });
  deviceId = newClaimId();
  expect((await admin('/device/claim', { id: deviceId, accountId, pre: true })).status).toBe(200);
  expect((await admin('/policy/create', { name: 'door', accountId, document })).status).toBe(201);
});

afterAll(async () => {
  await cloud.stop();
  await directory[Symbol.asyncDispose]();
});

function post(path: string, bearer: string | undefined, body: object): Promise<ApiAnswer> {
  const { api, authority } = cloud.place();
  return callApi({ url: `${api}${path}`, bearer, body, authority });
}

function admin(path: string, body: object): Promise<ApiAnswer> {
  return post(path, cloud.place().adminKey, body);
}

async function made(path: string, body: object): Promise<string> {
  return String((await admin(path, body)).json.id);
}

async function token(role: Role, account: string | undefined = accountId): Promise<string> {
  const scope = account ? { accountId: account } : {};
  return String((await admin('/token/create', { type: 'cloudApi', role, ...scope })).json.token);
}

/** A document that allows what the contract gives anyway. */
const document = {
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: 'iot:Connect', Resource: '*' },
};

const item = () => ({ _type: 'Store', deviceId, key: newClaimId(), value: '1' });

/** Every verb, with the least role that it needs. */
const VERBS: readonly [string, () => object, Role][] = [
  ['/device/get', () => ({ id: deviceId }), 'viewer'],
  ['/device/find', () => ({}), 'viewer'],
  ['/device/claim', () => ({ id: deviceId, pre: true }), 'user'],
  ['/device/update', () => ({ id: deviceId, name: 'Hall' }), 'user'],
  ['/generic/create', item, 'user'],
  ['/generic/find', () => ({ _type: 'Store', deviceId }), 'viewer'],
  ['/policy/create', () => ({ name: newClaimId(), document }), 'admin'],
  ['/policy/get', () => ({ name: 'door' }), 'viewer'],
  ['/policy/find', () => ({}), 'viewer'],
  ['/policy/update', () => ({ name: 'door', description: 'Door' }), 'admin'],
  ['/policy/attach', () => ({ name: 'door', account: true }), 'admin'],
  ['/policy/detach', () => ({ name: 'door', account: true }), 'admin'],
  ['/policy/test', () => ({ device: deviceId, action: 'iot:Connect' }), 'viewer'],
];

/** Verbs that answer any account with what it has itself. */
const ANYONES = ['/device/find', '/policy/find', '/policy/create'];

describe.each(['', '/tok'])('under %s', (prefix) => {
  it.each(VERBS)('%s takes the role that it needs and refuses less', async (path, body, needed) => {
    const roles: Role[] = ['viewer', 'user', 'admin', 'owner'];
    for (const role of roles) {
      const { status } = await post(`${prefix}${path}`, await token(role), body());
      expect([role, status < 300]).toEqual([role, roles.indexOf(role) >= roles.indexOf(needed)]);
      if (status >= 300) expect(status).toBe(403);
    }
  });
});

describe('a device', () => {
  it('is not released by who may only use it', async () => {
    const answer = await post('/device/release', await token('user'), { id: deviceId });
    expect(answer).toMatchObject({ status: 403, json: { code: 'FORBIDDEN' } });
  });

  it('is out of reach of another account, and of nobody’s token', async () => {
    const stranger = await token('owner', await made('/account/create', { name: 'Stranger' }));
    for (const [path, body] of VERBS.filter(([path]) => !ANYONES.includes(path))) {
      const { status, json } = await post(path, stranger, body());
      expect([path, [404, 409].includes(status) || json.items]).toEqual([
        path,
        path === '/generic/find' ? [] : true,
      ]);
      expect((await post(path, stranger, { ...body(), accountId })).status).toBe(403);
      expect((await post(path, undefined, body())).status).toBe(401);
      expect((await post(path, 'nonsense', body())).status).toBe(401);
    }
    const release = await post('/device/release', stranger, { id: deviceId });
    expect(release).toMatchObject({ status: 404, json: { code: 'DEVICE_UNKNOWN' } });
  });

  it('is found by whoever may act for every account, without saying whose it is', async () => {
    const everybody = String((await admin('/token/create', { type: 'cloudApi' })).json.token);
    expect((await post('/tok/device/get', everybody, { id: deviceId })).json).toMatchObject({
      id: deviceId,
      accountId,
    });
    expect((await admin('/device/get', { id: newClaimId() })).json).toMatchObject({ code: 'DEVICE_UNKNOWN' });
    expect((await post('/tok/device/find', everybody, {})).json).toMatchObject({ code: 'ACCOUNT_MISSING' });
  });
});

describe('a body that is no good', () => {
  it.each([
    ['/device/claim', {}],
    ['/device/claim', { id: 7 }],
    ['/device/claim', { id: 'x'.repeat(65) }],
    ['/device/find', { limit: 0 }],
    ['/device/update', { id: 'JT08FFQXWQ', name: {} }],
    ['/generic/create', { key: 'no type' }],
    ['/generic/create', { _type: '__proto__' }],
    ['/generic/find', { _type: 'Store', next: 1 }],
    ['/tok/device/provision', { csr: 'x' }],
  ])('of %s is refused: %j', async (path, body) => {
    expect((await post(path, await token('admin'), body)).status).toBe(400);
  });
});

describe('the metrics', () => {
  it('tell what the endpoint counts', async () => {
    const text = await cloud.metrics.registry.metrics();
    expect(text).toContain('ioto_mqtt_connections 0');
    expect(text).toContain('ioto_mqtt_connects_accepted_total 0');
  });
});
