import { X509Certificate } from 'node:crypto';
import { Agent, request } from 'node:https';
import { until } from '@ioto/testkit/until';
import { AwsV4Signer } from 'aws4fetch';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CredentialAnswer } from '../credentials/credential-desk.ts';
import { CloudWorld, heardBy, type WorldDevice } from '../websocket/cloud-world.fixture.ts';

let world: CloudWorld;
let device: WorldDevice;
beforeAll(async () => {
  world = await CloudWorld.create();
});
beforeEach(async () => {
  device = await world.device(await world.account());
});
afterAll(() => world[Symbol.asyncDispose]());

const serialOf = (pem: string) => new X509Certificate(pem).serialNumber.toLowerCase();
const closed = (client: { once(event: 'close', listener: () => void): unknown }) =>
  new Promise<number>((resolve) => client.once('close', () => resolve(Date.now())));

/** HTTPS on one connection that is kept, with the certificate of the device. */
function httpsClient({ identity, certificate }: WorldDevice) {
  const { port, authority } = world.cloud.place();
  const agent = new Agent({
    ...{ keepAlive: true, maxSockets: 1, ca: authority, cert: certificate, key: identity.keyPem },
    ALPNProtocols: ['x-amzn-http-ca'],
  });
  return {
    agent,
    get: (path: string, reused = false) =>
      new Promise<{ status?: number; type?: string | string[]; body: string }>((resolve, reject) => {
        const call = request({ host: 'localhost', port, path, agent }, (answer) => {
          let body = '';
          answer.on('data', (chunk) => {
            body += chunk;
          });
          answer.on('end', () => {
            if (call.reusedSocket !== reused) reject(new Error(`reused: ${call.reusedSocket}`));
            resolve({ status: answer.statusCode, type: answer.headers['x-amzn-errortype'], body });
          });
        });
        call.on('error', reject).end();
      }),
  };
}

/** A request that is signed with credentials. */
async function call(
  method: string,
  path: string,
  keys: object,
  body?: object | string,
  service = 'iot-jobs-data',
) {
  const { port, authority } = world.cloud.place();
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const signed = await new AwsV4Signer({
    ...(keys as { accessKeyId: string; secretAccessKey: string; sessionToken: string }),
    ...{ url: `https://localhost:${port}${path}`, method, body: text },
    ...{ service, region: 'local' },
  }).sign();
  return new Promise<{ status?: number; json: Record<string, unknown> }>((resolve, reject) => {
    const headers = Object.fromEntries(signed.headers);
    const agent = new Agent({ ca: authority });
    const sent = request(signed.url, { method, headers, agent }, (answer) => {
      let said = '';
      answer.on('data', (chunk) => {
        said += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode, json: JSON.parse(said) }));
    });
    sent.on('error', reject).end(text);
  });
}

describe('a certificate that its owner revokes', () => {
  it('is void at once on the live connections that came with it, by MQTT, WebSocket and HTTPS', async () => {
    const { id, identity, certificate } = device;
    const jobs = `/things/${id}/jobs`;
    const https = httpsClient(device);
    expect(await https.get(jobs)).toMatchObject({ status: 200 });

    const { port, authority } = world.cloud.place();
    const socket = await world.client(`wss://localhost:${port}/mqtt`, id, {
      ...{ cert: certificate, key: identity.keyPem, ca: authority },
      wsOptions: { ALPNProtocols: ['x-amzn-http-ca'] } as object,
    });
    let gone = closed(socket);
    let began = Date.now();
    const answer = await world.admin('/device/revoke', { id, serial: serialOf(certificate).toUpperCase() });
    expect([answer.status, answer.json.revoked]).toEqual([200, [serialOf(certificate)]]);
    expect((await gone) - began).toBeLessThan(1000);
    // The same connection, on which TLS knows nothing of it.
    expect(await https.get(jobs, true)).toMatchObject({ status: 403, type: 'ForbiddenException' });
    await expect(world.connectDevice(device)).rejects.toThrow();

    const csr = { id, csr: identity.csr };
    const again = await world.signed('/tok/device/provision', device.token, csr, identity);
    const fresh = { ...device, certificate: String(again.json.certificate) };
    expect(fresh.certificate).not.toBe(certificate);
    const client = await world.connectDevice(fresh);
    gone = closed(client);
    began = Date.now();
    expect((await world.admin('/device/revoke', { id })).json.revoked).toEqual([serialOf(fresh.certificate)]);
    expect((await gone) - began).toBeLessThan(1000);
    expect((await world.admin('/device/revoke', { id })).json.revoked).toEqual([]);
    const { json } = await world.admin('/audit/find', { accountId: device.accountId });
    const told = (json.items as { action: string; actor: string }[]).filter(
      ({ action }) => action === 'certificate.revoked',
    );
    expect(told).toMatchObject([{ actor: 'admin' }, { actor: 'admin' }]);
    https.agent.destroy();
  });

  it('takes the credentials with it that were given for it, and they make no other certificate', async () => {
    const { id, identity } = device;
    const { body } = await httpsGet('/role-aliases/ioto/credentials');
    const { credentials: lent } = JSON.parse(body) as { credentials: CredentialAnswer };
    const own = await world.deviceCredentials(device);
    const socket = await world.client(await world.presigned(lent), id);
    await socket.subscribeAsync('$aws/certificates/#');
    const create = '$aws/certificates/create/json';
    await socket.publishAsync(create, '{}', { qos: 1 });
    expect((await call('POST', `/topics/${create}?qos=1`, lent, {}, 'iotdata')).status).toBe(200);
    await until('both to be answered', () => heardBy(socket).length === 2);
    for (const answer of heardBy(socket)) {
      expect(answer).toMatch(/^\$aws\/certificates\/create\/json\/rejected .*"errorCode":"AccessDenied"/);
    }

    const gone = closed(socket);
    expect((await world.admin('/device/revoke', { id })).status).toBe(200);
    await gone;
    await expect(world.client(await world.presigned(lent), id)).rejects.toThrow();
    const jobs = `/things/${id}/jobs`;
    expect(await call('GET', jobs, lent)).toMatchObject({
      status: 403,
      json: { code: 'ExpiredTokenException' },
    });
    // What it is given by its token and identity key is not a thief's.
    expect((await call('GET', jobs, own)).status).toBe(200);
    const csr = { id, csr: identity.csr };
    expect((await world.signed('/tok/device/provision', device.token, csr, identity)).status).toBe(200);
    expect((await call('GET', jobs, lent)).status).toBe(403);

    async function httpsGet(path: string) {
      const https = httpsClient(device);
      const answer = await https.get(path);
      https.agent.destroy();
      return answer;
    }
  });

  it('is one of the account’s devices; what is not there is told', async () => {
    const { id } = device;
    const stranger = await world.user(await world.account('Other'), 'owner');
    const revoke = (body: object, login: string) => world.post('/device/revoke', login, body);
    expect(await revoke({ id }, stranger.login)).toMatchObject({
      status: 404,
      json: { code: 'DEVICE_UNKNOWN' },
    });
    const owner = await world.user(device.accountId, 'admin');
    expect(await revoke({ id, serial: 'abc' }, owner.login)).toMatchObject({
      status: 404,
      json: { code: 'CERTIFICATE_UNKNOWN' },
    });
    const viewer = await world.user(device.accountId, 'user');
    expect((await revoke({ id }, viewer.login)).status).toBe(403);
  });
});

describe('jobs over HTTP', () => {
  it('are for a device by its certificate or its credentials, and for tools of its account', async () => {
    const { id, accountId } = device;
    const path = `/things/${id}/jobs`;
    const order = { accountId, jobId: 'j', document: '{"do":"it"}', devices: [id] };
    expect((await world.admin('/job/create', order)).status).toBe(201);
    const keys = await world.deviceCredentials(device);
    const tool = await world.toolCredentials(accountId, { role: 'user' });
    const other = await world.toolCredentials(await world.account('Other'), { role: 'user' });

    const started = await call('PUT', `${path}/$next`, keys, { statusDetails: { step: '1' } });
    expect(started.json.execution).toMatchObject({
      jobId: 'j',
      jobDocument: '{"do":"it"}',
      versionNumber: 2,
    });
    expect((await call('GET', path, tool)).json).toMatchObject({ inProgressJobs: [{ jobId: 'j' }] });
    const bare = await call('GET', `${path}/$next?includeJobDocument=false`, tool);
    expect(bare.json.execution).not.toHaveProperty('jobDocument');
    expect((await call('GET', path, other)).status).toBe(403);
    expect(await call('GET', `${path}/none`, keys)).toMatchObject({
      status: 404,
      json: { code: 'ResourceNotFoundException' },
    });
    const done = await call('POST', `${path}/j`, keys, {
      status: 'SUCCEEDED',
      includeJobExecutionState: true,
    });
    expect(done.json.executionState).toMatchObject({ status: 'SUCCEEDED' });
    expect(await call('POST', `${path}/j`, keys, { status: 'FAILED' })).toMatchObject({
      status: 409,
      json: { code: 'InvalidStateTransitionException' },
    });
    expect((await call('GET', `${path}/j`, keys)).status).toBe(410);
    expect((await call('POST', `${path}/j`, keys, 'x')).status).toBe(400);
  });

  it('do not give a device what a policy denies it over MQTT', async () => {
    const { id, accountId } = device;
    const keys = await world.deviceCredentials(device);
    const path = `/things/${id}/jobs`;
    const asked = [
      ['get', 'GET', path],
      ['start-next', 'PUT', `${path}/$next`],
      ['j/get', 'GET', `${path}/j`],
      ['j/update', 'POST', `${path}/j`],
    ] as const;
    const statuses = () =>
      Promise.all(
        asked.map(async ([, method, where]) => (await call(method, where, keys, sent(method))).status),
      );
    const before = await statuses();
    for (const [at, [topic]] of asked.entries()) {
      const Resource = `arn:aws:iot:*:*:topic/$aws/things/*/jobs/${topic}`.replace('$', '${$}');
      const Statement = { Effect: 'Deny', Action: 'iot:Publish', Resource };
      const policy = { accountId, name: `no${at}` };
      const document = { Version: '2012-10-17', Statement };
      expect((await world.admin('/policy/create', { ...policy, document })).status).toBe(201);
      expect((await world.admin('/policy/attach', { ...policy, device: id })).status).toBe(200);
      expect(await statuses()).toEqual([...Array(at + 1).fill(403), ...before.slice(at + 1)]);
    }
    const tool = await world.toolCredentials(accountId, { role: 'user' });
    expect((await call('GET', path, tool)).status).toBe(200);

    for (const at of asked.keys()) {
      await world.admin('/policy/detach', { accountId, name: `no${at}`, device: id });
    }
    expect(await statuses()).toEqual(before);
    const Resource = 'arn:aws:iot:*:*:topic/*/jobs/*/accepted';
    const Statement = { Effect: 'Deny', Action: 'iot:Receive', Resource };
    const policy = { accountId, name: 'deaf' };
    await world.admin('/policy/create', { ...policy, document: { Version: '2012-10-17', Statement } });
    expect((await world.admin('/policy/attach', { ...policy, device: id })).status).toBe(200);
    expect(await statuses()).toEqual([403, 403, 403, 403]);

    function sent(method: string) {
      return method === 'GET' ? undefined : { status: 'FAILED' };
    }
  });
});
