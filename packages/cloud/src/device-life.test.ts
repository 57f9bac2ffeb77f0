import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  deviceTopic,
  masterFilters,
  type ProvisionAnswer,
  SIGNATURE_HEADER,
  serviceTopic,
  signRequest,
} from '@ioto/protocol';
import { type ApiAnswer, callApi } from '@ioto/testkit/api-call';
import { type FleetIdentity, makeFleetIdentities } from '@ioto/testkit/fleet/identities';
import { TestAuthority } from '@ioto/testkit/test-authority';
import { until } from '@ioto/testkit/until';
import mqtt, { type MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cloud, createCloud } from './build-cloud.ts';

let state: string;
let cloud: Cloud;
let product: string;
let accountId: string;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'ioto-life-'));
  cloud = createCloud({ state, listen: '127.0.0.1:0' });
  await cloud.start();
  product = String((await admin('/product/create', { name: 'Lamp' })).json.id);
  accountId = String((await admin('/account/create', { name: 'Owner' })).json.id);
});

afterAll(async () => {
  await cloud.stop();
  await rm(state, { recursive: true });
});

function post(path: string, bearer: string, body: object, headers: Record<string, string> = {}) {
  const { api, authority } = cloud.place();
  return callApi({ url: `${api}${path}`, bearer, body, authority, headers });
}

function admin(path: string, body: object): Promise<ApiAnswer> {
  return post(path, cloud.place().adminKey, body);
}

function signed(path: string, bearer: string, body: object, identity: FleetIdentity): Promise<ApiAnswer> {
  const parts = { method: 'POST', path: `/api${path}`, body: JSON.stringify(body) };
  return post(path, bearer, body, {
    [SIGNATURE_HEADER]: signRequest(parts, identity.privateKey, Date.now()),
  });
}

/** A device with a key of its own that has registered once. */
async function registered(): Promise<FleetIdentity> {
  const [identity] = await makeFleetIdentities(1);
  if (!identity) throw new Error('no identity');
  expect((await register(identity)).status).toBe(200);
  return identity;
}

function register(identity: FleetIdentity): Promise<ApiAnswer> {
  const { id, publicKey } = identity;
  return signed('/device/register', product, { id, product, name: 'Lamp', publicKey }, identity);
}

async function claimed(): Promise<{ identity: FleetIdentity; token: string }> {
  const identity = await registered();
  const claim = await admin('/device/claim', { id: identity.id, accountId });
  expect(claim.json).toMatchObject({ id: identity.id, name: 'Lamp', connection: 'offline' });
  const { json } = await register(identity);
  expect(json).toMatchObject({ registered: true, id: identity.id, api: cloud.place().api, accountId });
  return { identity, token: String(json.token) };
}

async function provisioned() {
  const { identity, token } = await claimed();
  const { id, csr } = identity;
  const { status, json } = await signed('/tok/device/provision', token, { id, csr }, identity);
  expect(status).toBe(200);
  return { identity, token, provision: json as ProvisionAnswer };
}

interface Credentials {
  id: string;
  key?: string;
  certificate?: string;
}

/** What a client sees of a connection that ends without a word of MQTT. */
const CLOSED = /^closed$|ECONNRESET/;

function open({ id, key, certificate }: Credentials): MqttClient {
  const { port, authority } = cloud.place();
  return mqtt.connect({
    ...{ protocol: 'mqtts' as const, host: 'localhost', port, ca: authority, key, cert: certificate },
    ...{ clientId: id, clean: false, protocolVersion: 4 as const, ALPNProtocols: ['mqtt'] },
    ...{ reconnectPeriod: 0, connectTimeout: 3000 },
  });
}

/** A connected device that keeps what it gets. */
async function connect(credentials: Credentials) {
  const client = open(credentials);
  const messages: { topic: string; body: string }[] = [];
  client.on('message', (topic, payload) => messages.push({ topic, body: payload.toString() }));
  await new Promise<void>((resolve, reject) => {
    client.once('connect', () => resolve());
    client.once('error', reject);
  });
  await client.subscribeAsync(masterFilters(credentials.id, accountId), { qos: 1 });
  const got = async (topic: string) => {
    await until(`a message on ${topic}`, () => messages.some((message) => message.topic === topic));
    return messages.find((message) => message.topic === topic)?.body ?? '';
  };
  return { client, messages, got };
}

async function refusal(credentials: Credentials): Promise<string> {
  const client = open(credentials);
  try {
    return await new Promise((resolve, reject) => {
      client.on('connect', () => reject(new Error('it was let in')));
      client.on('error', (error) => resolve(error.message));
      client.on('close', () => resolve('closed'));
    });
  } finally {
    client.end(true);
  }
}

const credentialsOf = (identity: FleetIdentity, { certificate }: ProvisionAnswer): Credentials => ({
  id: identity.id,
  key: identity.keyPem,
  certificate,
});

describe('the life of a device', () => {
  it('goes from register over claim and certificate to synced data, a command and a release', async () => {
    const { identity, token, provision } = await provisioned();
    const { id } = identity;
    expect(provision).toMatchObject({ id, accountId, endpoint: 'localhost', port: cloud.place().port });
    expect(provision.key).toBeUndefined();
    const device = await connect(credentialsOf(identity, provision));
    await until('online', async () => (await admin('/device/get', { id })).json.connection === 'online');

    const updated = new Date().toISOString();
    const item = { _type: 'Store', sk: 's#counter', key: 'counter', value: '42', type: 'number', updated };
    const batch = { seq: 17, changes: [{ cmd: 'create', key: 's#counter', item }] };
    await device.client.publishAsync(serviceTopic.syncUp(id), JSON.stringify(batch), { qos: 1 });
    expect(JSON.parse(await device.got(deviceTopic.sync(id, 'SYNC')))).toMatchObject({
      seq: 17,
      keys: ['s#counter'],
    });
    const counter = { _type: 'Store', deviceId: id, key: 'counter', accountId };
    expect((await admin('/generic/get', counter)).json).toMatchObject({
      value: '42',
      accountId,
      deviceId: id,
    });

    const command = { _type: 'Command', deviceId: id, command: 'beep', args: { times: 2 }, accountId };
    expect((await admin('/generic/create', command)).status).toBe(201);
    const sent = JSON.parse(await device.got(deviceTopic.sync(id, 'INSERT')));
    expect(sent).toMatchObject({ _type: 'Command', command: 'beep', args: { times: 2 } });
    const pending = { _type: 'Command', deviceId: id, accountId };
    await until(
      'no pending command',
      async () => (await admin('/generic/find', pending)).json.items?.toString() === '',
    );

    const release = admin('/device/release', { id });
    expect(Number(await device.got(deviceTopic.release(id)))).toBeCloseTo(Date.now(), -4);
    expect((await release).status).toBe(200);
    await until('disconnected', () => !device.client.connected);
    expect(await refusal(credentialsOf(identity, provision))).toContain('Not authorized');
    expect((await register(identity)).json).toEqual({ registered: true });
    const again = await signed('/tok/device/provision', token, { id, csr: identity.csr }, identity);
    expect(again).toMatchObject({ status: 401, json: { code: 'DEVICE_AUTHENTICATION_FAILED' } });
  });

  it('is the same for an agent that brings no key, whose dialect gets one message at a time', async () => {
    const [{ id }] = (await makeFleetIdentities(1)) as [FleetIdentity];
    const old = { 'ioto-agent': '1' };
    await post('/device/register', product, { id, product }, old);
    await admin('/device/claim', { id: `${id.slice(0, 5)}-${id.slice(5).toLowerCase()}`, accountId });
    const { json: registration } = await post('/device/register', product, { id, product }, old);
    const { json } = await post('/tok/device/provision', String(registration.token), { id }, old);
    expect(json.key).toContain('EC PRIVATE KEY');
    const device = await connect({ id, key: String(json.key), certificate: String(json.certificate) });
    await device.client.publishAsync(serviceTopic.request(id, 'store/get', '1'), '{"key":"none"}', {
      qos: 1,
    });
    expect(await device.got(deviceTopic.answer(id, 'store/get', '1'))).toBe('');
    await device.client.endAsync(true);
  });
});

describe('a connection', () => {
  it('of another authority, or without a certificate, is closed', async () => {
    const { identity } = await provisioned();
    const { id } = identity;
    const other = await (await TestAuthority.create()).issue({ commonName: id });
    expect(await refusal({ id, ...other })).toMatch(CLOSED);
    const named = await (await TestAuthority.create(await authorityName())).issue({ commonName: id });
    expect(await refusal({ id, ...named })).toMatch(CLOSED);
    expect(await refusal({ id })).toMatch(CLOSED);
  });

  it('with an expired certificate is closed', async () => {
    const { identity } = await provisioned();
    const key = await readFile(join(state, 'ca.key'), 'utf8');
    const authority = await TestAuthority.from(cloud.place().authority, key);
    const [notBefore, notAfter] = [Date.now() - 10_000, Date.now() - 5000];
    const expired = await authority.issue({ commonName: identity.id, notBefore, notAfter });
    expect(await refusal({ id: identity.id, ...expired })).toMatch(CLOSED);
    const unrecorded = await authority.issue({ commonName: identity.id });
    expect(await refusal({ id: identity.id, ...unrecorded })).toContain('Not authorized');
  });

  it('with the certificate of another device is refused', async () => {
    const [one, other] = [await provisioned(), await provisioned()];
    const borrowed = { ...credentialsOf(other.identity, other.provision), id: one.identity.id };
    expect(await refusal(borrowed)).toContain('Not authorized');
  });

  it('with a certificate that was replaced is refused from the first connect of the new one on', async () => {
    const { identity, token, provision } = await provisioned();
    const { id } = identity;
    const [{ csr, keyPem }] = (await makeFleetIdentities(1)) as [FleetIdentity];
    const renewed = await signed('/tok/device/provision', token, { id, csr }, identity);
    const first = await connect(credentialsOf(identity, provision));
    const second = await connect({ id, key: keyPem, certificate: String(renewed.json.certificate) });
    await until('disconnected', () => !first.client.connected);
    expect(await refusal(credentialsOf(identity, provision))).toContain('Not authorized');
    expect(second.client.connected).toBe(true);
    await second.client.endAsync(true);
  });

  it('that publishes elsewhere is closed, and a subscription elsewhere is refused', async () => {
    const [{ identity, provision }, other] = [await provisioned(), await provisioned()];
    const device = await connect(credentialsOf(identity, provision));
    const elsewhere = [`ioto/device/${other.identity.id}/#`, '#', `ioto/account/OTHER/#`];
    const granted = await device.client.subscribeAsync(elsewhere, { qos: 1 }).catch((error) => error);
    expect(String(granted)).toMatch(/Unspecified error|128/);
    device.client.publish(serviceTopic.syncUp(other.identity.id), '{}');
    await until('disconnected', () => !device.client.connected);
  });

  it('that sends what is no JSON is served on', async () => {
    const { identity, provision } = await provisioned();
    const device = await connect(credentialsOf(identity, provision));
    const topic = serviceTopic.syncUp(identity.id);
    for (const payload of [
      '',
      'x',
      '[]',
      '{"seq":1}',
      '{"seq":1,"changes":[null,1,{"item":{}}]}',
      '['.repeat(9999),
    ]) {
      await device.client.publishAsync(topic, payload, { qos: 1 });
    }
    await device.client.publishAsync(serviceTopic.syncDown(identity.id), '{"timestamp":"no time"}', {
      qos: 1,
    });
    await device.got(deviceTopic.sync(identity.id, 'SYNCDOWN'));
    await device.client.endAsync(true);
  });
});

async function authorityName(): Promise<string> {
  const { X509Certificate } = await import('node:crypto');
  return new X509Certificate(cloud.place().authority).subject;
}
