import { callApi } from '@ioto/testkit/api-call';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CloudWorld, type WorldDevice } from '../websocket/cloud-world.fixture.ts';
import { MOST_ALIASES } from './role-aliases.ts';

let world: CloudWorld;
let accountId: string;
let device: WorldDevice;

beforeAll(async () => {
  world = await CloudWorld.create();
  accountId = await world.account();
  device = await world.device(accountId);
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** A device asks on the main port, under the ALPN of HTTPS with certificates. */
function ask(alias: string, of: WorldDevice = device, headers: Record<string, string> = {}) {
  const { api, authority } = world.cloud.place();
  return callApi({
    ...{ url: `${new URL(api).origin}/role-aliases/${alias}/credentials`, method: 'GET', authority, headers },
    ...{ certificate: of.certificate, key: of.identity.keyPem, alpn: ['x-amzn-http-ca'] },
  });
}

const secondsLeft = ({ json }: { json: Record<string, unknown> }) =>
  (Date.parse((json.credentials as { expiration: string }).expiration) - Date.now()) / 1000;

describe('the credentials provider', () => {
  it('gives a device credentials of its own for its certificate, as AWS IoT answers them', async () => {
    const answer = await ask('ioto', device, { 'x-amzn-iot-thingname': device.id });
    expect(answer.status).toBe(200);
    const credentials = answer.json.credentials as Record<string, string>;
    expect(Object.keys(credentials).sort()).toEqual(
      ['accessKeyId', 'expiration', 'secretAccessKey', 'sessionToken'].sort(),
    );
    expect(secondsLeft(answer)).toBeGreaterThan(3590);
    expect(answer.json.region).toBe('local');
    expect(answer.headers['cache-control']).toBe('no-store');
    // They are the device's: it connects with them.
    const client = await world.client(await world.presigned(credentials as never), device.id);
    await client.endAsync();
  });

  it('holds them as long as the alias says', async () => {
    const alias = { accountId, name: 'brief', seconds: 900 };
    expect((await world.admin('/alias/create', alias)).status).toBe(201);
    const left = secondsLeft(await ask('brief'));
    expect(left).toBeGreaterThan(890);
    expect(left).toBeLessThanOrEqual(900);
    const stranger = await world.device(await world.account('Stranger'));
    expect((await ask('brief', stranger)).status).toBe(404);
  });

  it.each([
    ['an alias that there is not', () => ask('none'), 404, 'ResourceNotFoundException'],
    ['a name that no alias has', () => ask('a%20b'), 404, 'ResourceNotFoundException'],
    [
      'a thing that is another',
      () => ask('ioto', device, { 'x-amzn-iot-thingname': 'other' }),
      403,
      'AccessDeniedException',
    ],
  ])('refuses %s', async (_what, asking, status, code) => {
    const answer = await asking();
    expect([answer.status, answer.headers['x-amzn-errortype']]).toEqual([status, code]);
    expect(answer.json.message).toBeTruthy();
  });

  it('refuses who shows no certificate, also with a login or a token', async () => {
    const { api, authority, adminKey } = world.cloud.place();
    const url = `${new URL(api).origin}/role-aliases/ioto/credentials`;
    for (const bearer of [undefined, adminKey]) {
      const { status, json } = await callApi({ url, method: 'GET', authority, bearer });
      expect([status, json.code]).toEqual([403, 'ForbiddenException']);
    }
  });

  it('refuses the aliases that a policy denies, and gives the others', async () => {
    const barred = await world.device(accountId);
    const alias = { accountId, name: 'upload', seconds: 900 };
    expect((await world.admin('/alias/create', alias)).status).toBe(201);
    const document = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Deny',
          Action: 'iot:AssumeRoleWithCertificate',
          Resource: 'arn:aws:iot:*:*:rolealias/up*',
        },
      ],
    };
    const policy = { accountId, name: 'no-uploads' };
    expect((await world.admin('/policy/create', { ...policy, document })).status).toBe(201);
    expect((await world.admin('/policy/attach', { ...policy, device: barred.id })).status).toBe(200);
    const { status, headers, json } = await ask('upload', barred);
    expect([status, headers['x-amzn-errortype']]).toEqual([403, 'AccessDeniedException']);
    expect(json.message).toContain('iot:AssumeRoleWithCertificate');
    expect((await ask('ioto', barred)).status).toBe(200);
    expect((await ask('upload')).status).toBe(200);
    const trial = { accountId, device: barred.id, action: 'iot:AssumeRoleWithCertificate' };
    const { json: verdict } = await world.admin('/policy/test', { ...trial, resource: 'upload' });
    expect(verdict).toMatchObject({ allowed: false, deniedBy: ['no-uploads'] });
  });

  it('refuses a device that is not its owner’s any more, and one that asks too often', async () => {
    const leaving = await world.device(accountId);
    await world.release(leaving.id);
    expect((await ask('ioto', leaving)).status).toBe(403);
    const eager = await world.device(accountId);
    const answers = [];
    for (let n = 0; n < 61; n += 1) answers.push((await ask('ioto', eager)).status);
    expect([answers.slice(0, 60).every((status) => status === 200), answers[60]]).toEqual([true, 429]);
    expect((await ask('ioto', eager)).headers['retry-after']).toBe('600');
  });
});

describe('role aliases of an account', () => {
  it('are made, listed and removed by its admins, and recorded', async () => {
    const own = await world.account('Own');
    const { login, id } = await world.user(own, 'admin');
    const post = (verb: string, body: object) => world.post(`/alias/${verb}`, login, body);
    expect((await post('create', { name: 'upload' })).json).toMatchObject({ name: 'upload', seconds: 3600 });
    expect((await post('create', { name: 'upload' })).status).toBe(409);
    expect((await post('create', { name: 'ioto' })).status).toBe(409);
    expect((await post('create', { name: 'a b' })).json.code).toBe('ALIAS_NAME_INVALID');
    for (const seconds of [899, 43_201, 1000.5]) {
      expect((await post('create', { name: 'x', seconds })).status).toBe(400);
    }
    expect((await post('find', {})).json.items).toMatchObject([{ name: 'ioto' }, { name: 'upload' }]);
    expect((await post('remove', { name: 'upload' })).status).toBe(200);
    expect((await post('remove', { name: 'upload' })).status).toBe(404);
    expect((await post('remove', { name: 'ioto' })).json.error).toContain('built in');
    const audit = (await world.post('/audit/find', login, {})).json.items as Record<string, unknown>[];
    const actions = audit.filter(({ action }) => String(action).startsWith('role-alias.'));
    expect(actions).toMatchObject([
      { action: 'role-alias.removed', actor: `user:${id}`, details: { name: 'upload' } },
      { action: 'role-alias.created', details: { name: 'upload', seconds: 3600 } },
    ]);
    const { login: viewer } = await world.user(own, 'viewer');
    expect((await world.post('/alias/create', viewer, { name: 'x' })).status).toBe(403);
    expect((await world.post('/alias/find', viewer, {})).status).toBe(200);
  });

  it('are so many at most', async () => {
    const full = await world.account('Full');
    const make = (name: string) => world.admin('/alias/create', { accountId: full, name });
    await Promise.all(Array.from({ length: MOST_ALIASES }, (_, n) => make(`a${n}`)));
    const { status, json } = await make('more');
    expect([status, json.code]).toEqual([409, 'ALIAS_LIMIT']);
  });
});
