import { X509Certificate } from 'node:crypto';
import { type FleetIdentity, makeFleetIdentities } from '@ioto/testkit/fleet/identities';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from '../devices/device-world.fixture.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const CREATE = '$aws/certificates/create/json';
const FROM_CSR = '$aws/certificates/create-from-csr/json';
const PROVISION = '$aws/provisioning-templates/ioto/provision/json';

type Answer = Record<string, string>;

let world: DeviceWorld;
let accountId: string;
let deviceId: string;
let token: string;
let keys: FleetIdentity[];
let old: string;
beforeEach(async () => {
  world = await DeviceWorld.create();
  accountId = await world.account();
  keys = await makeFleetIdentities(2);
  const device = await world.ownedDevice(accountId);
  deviceId = device.id;
  token = device.token;
  old = (await provision()).certificate;
  await connect(old);
});
afterEach(() => world[Symbol.asyncDispose]());

const provision = () => world.provision({ id: deviceId, token, csr: keys[0]!.csr });
const serialOf = (pem = '') => new X509Certificate(pem).serialNumber.toLowerCase();
const admit = (pem?: string) => world.devices.gate.admit({ deviceId, serial: serialOf(pem) }, '192.0.2.1');
const isGood = async (pem?: string) => (await admit(pem)).admitted;

async function connect(pem?: string): Promise<void> {
  const admission = await admit(pem);
  if (!admission.admitted) throw new Error(admission.reason);
  world.endpoint.online.add(deviceId);
  await world.devices.gate.connected(admission.principal);
}

/** What the one session that asked is told. */
async function ask(
  topic: string,
  body: object | string,
  { id = deviceId, serial = serialOf(old) }: { id?: string; serial?: string | null } = {},
): Promise<Answer> {
  world.endpoint.sent.length = 0;
  const payload = typeof body === 'string' ? body : JSON.stringify(body);
  await world.receive({ deviceId: id, accountId, serial: serial ?? undefined }, { topic, payload });
  const [answer, more] = world.endpoint.sent;
  expect(more).toBeUndefined();
  expect(answer).toMatchObject({ to: id, topic: expect.stringMatching(/\/(accepted|rejected)$/) });
  expect(answer?.topic.startsWith(`${topic}/`)).toBe(true);
  const json = JSON.parse(answer?.body ?? '') as Answer;
  expect(answer?.topic.endsWith('/rejected')).toBe('errorCode' in json);
  return json;
}

const renew = (identity = keys[0]!) => ask(FROM_CSR, { certificateSigningRequest: identity.csr });
const activate = (certificateOwnershipToken?: string) => ask(PROVISION, { certificateOwnershipToken });
const states = async () =>
  (await world.devices.directory.certificates(deviceId)).map(({ state }) => state).sort();
const lastOf = async (action: string) =>
  (await world.audit.find({ accountId })).entries.filter((entry) => entry.action === action);

describe('a device that asks for a certificate over MQTT', () => {
  it('gets one for its own key, which voids nothing until it has been used', async () => {
    const { certificatePem, certificateId, certificateOwnershipToken, privateKey } = await renew();
    const certificate = new X509Certificate(certificatePem ?? '');
    expect(certificate.subject).toBe(`CN=${deviceId}`);
    expect(certificate.publicKey.export({ type: 'spki', format: 'pem' })).toBe(keys[0]!.publicKey);
    expect(certificateId).toMatch(/^[0-9a-f]{64}$/);
    expect(certificateOwnershipToken).toBeTruthy();
    expect(privateKey).toBeUndefined();
    expect(await states()).toEqual(['in use', 'pending']);
    await world.clock.advance(HOUR - 1000);
    expect(await isGood(old)).toBe(true);
    expect(world.endpoint.online.has(deviceId)).toBe(true);

    expect(await isGood(certificatePem)).toBe(true);
    expect(await isGood(old)).toBe(false);
    expect(await states()).toEqual(['in use', 'revoked']);
    const serial = serialOf(certificatePem);
    expect(await lastOf('certificate.issued')).toMatchObject([{ deviceId, details: { serial } }]);
    expect(await lastOf('certificate.proven')).toMatchObject([{ deviceId, details: { serial } }]);
    expect(await lastOf('certificate.revoked')).toMatchObject([
      { actor: `device:${deviceId}`, details: { serial: serialOf(old) } },
    ]);
  });

  it('and cannot prove it within an hour goes on with the old one', async () => {
    const { certificatePem, certificateOwnershipToken } = await renew();
    await world.clock.advance(HOUR);
    expect(await isGood(certificatePem)).toBe(false);
    expect(await isGood(old)).toBe(true);
    expect(await states()).toEqual(['expired', 'in use']);
    expect(await activate(certificateOwnershipToken)).toMatchObject({
      statusCode: 400,
      errorCode: 'InvalidCertificateOwnershipToken',
    });
  });

  it('gets the same again when its answer was lost, and another for another key', async () => {
    const first = await renew();
    const again = await renew();
    expect(again.certificatePem).toBe(first.certificatePem);
    expect((await renew(keys[1])).certificatePem).not.toBe(first.certificatePem);
    await world.clock.advance(HOUR / 2);
    // One that is nearly over is of no use to it.
    expect((await renew()).certificatePem).not.toBe(first.certificatePem);
  });

  it('activates it by its token, so that it holds also after that hour; the old one holds with it', async () => {
    const { certificatePem, certificateOwnershipToken } = await renew();
    const answer = await activate(certificateOwnershipToken);
    expect(answer).toEqual({ deviceConfiguration: {}, thingName: deviceId });
    expect(await activate(certificateOwnershipToken)).toEqual(answer);
    world.clock.jumpTo(world.clock.now() + 30 * DAY);
    expect(await isGood(old)).toBe(true);
    expect(await isGood(certificatePem)).toBe(true);
    expect(await isGood(old)).toBe(false);
  });

  it('keeps but the latest of those that it activates and never uses', async () => {
    const first = await renew();
    await activate(first.certificateOwnershipToken);
    const second = await renew(keys[1]);
    await activate(second.certificateOwnershipToken);
    await world.clock.advance(HOUR);
    expect(await isGood(first.certificatePem)).toBe(false);
    expect(await isGood(second.certificatePem)).toBe(true);
  });

  it('gets a key from the cloud when it brings none', async () => {
    const { certificatePem = '', privateKey } = await ask(CREATE, '');
    expect(privateKey).toContain('PRIVATE KEY');
    expect(new X509Certificate(certificatePem).subject).toBe(`CN=${deviceId}`);
    expect((await ask(CREATE, {})).privateKey).not.toBe(privateKey);
  });

  it.each([
    ['text', FROM_CSR, 'hello', 400, 'InvalidPayload'],
    ['no object', CREATE, '[]', 400, 'InvalidPayload'],
    ['no request', FROM_CSR, {}, 400, 'InvalidCsr'],
    ['a request that is none', FROM_CSR, { certificateSigningRequest: 'x' }, 400, 'InvalidCsr'],
    ['no token', PROVISION, {}, 400, 'InvalidCertificateOwnershipToken'],
    [
      'a token of nobody',
      PROVISION,
      { certificateOwnershipToken: 'x' },
      400,
      'InvalidCertificateOwnershipToken',
    ],
    [
      'parameters that are no texts',
      PROVISION,
      { certificateOwnershipToken: 'x', parameters: { a: 1 } },
      400,
      'InvalidParameters',
    ],
    [
      'the name of another thing',
      PROVISION,
      { certificateOwnershipToken: 'x', parameters: { ThingName: 'OTHER' } },
      400,
      'InvalidParameters',
    ],
    ['another template', PROVISION.replace('ioto', 'lamps'), {}, 404, 'TemplateNotFound'],
  ] as [string, string, object | string, number, string][])(
    'is told what is wrong with %s',
    async (_what, topic, body, statusCode, errorCode) => {
      expect(await ask(topic, body)).toMatchObject({
        statusCode,
        errorCode,
        errorMessage: expect.stringMatching(/.{10}/),
      });
    },
  );

  it('cannot use the token of another device', async () => {
    const { certificateOwnershipToken = '' } = await renew();
    const owned = await world.ownedDevice(accountId);
    const { certificate } = await world.provision({ ...owned, csr: keys[1]!.csr });
    const other = { id: owned.id, serial: serialOf(certificate) };
    const stolen = await ask(PROVISION, { certificateOwnershipToken }, other);
    expect(stolen).toMatchObject({ errorCode: 'InvalidCertificateOwnershipToken' });
    const forged = certificateOwnershipToken.replace(deviceId, other.id);
    expect(await ask(PROVISION, { certificateOwnershipToken: forged }, other)).toMatchObject({
      errorCode: 'InvalidCertificateOwnershipToken',
    });
  });

  it('gets none without a certificate of its own that still holds, by whatever it came', async () => {
    const { certificatePem, certificateOwnershipToken } = await renew();
    const requests = [
      [FROM_CSR, { certificateSigningRequest: keys[1]!.csr }],
      [CREATE, {}],
      [PROVISION, { certificateOwnershipToken }],
    ] as const;
    const refused = { statusCode: 403, errorCode: 'AccessDenied' };
    // It came with a credential.
    for (const [topic, body] of requests) {
      expect(await ask(topic, body, { serial: null })).toMatchObject(refused);
    }
    // Its certificate was voided, and the connection is not closed yet.
    expect(await isGood(certificatePem)).toBe(true);
    for (const [topic, body] of requests) expect(await ask(topic, body)).toMatchObject(refused);
    expect(await states()).toEqual(['in use', 'revoked']);
  });

  it('is throttled with its provisions, and told so', async () => {
    for (let count = 1; count < 30; count += 1) await ask(CREATE, {});
    expect(await renew()).toMatchObject({ statusCode: 429, errorCode: 'Throttled' });
  });

  it('gets nothing when it was released a moment ago, and nothing that it asked for holds', async () => {
    const { certificatePem, certificateOwnershipToken } = await renew();
    await world.devices.releases.release({ deviceId, accountId, actor: 'user:U' });
    expect(await renew()).toMatchObject({ errorCode: 'InvalidParameters' });
    expect(await activate(certificateOwnershipToken)).toHaveProperty('errorCode');
    expect(await isGood(certificatePem)).toBe(false);
  });

  it('has the pending one void an hour after another was provisioned', async () => {
    world.clock.jumpTo(world.clock.now() + 600 * DAY);
    const later = await renew(keys[1]);
    expect((await provision()).certificate).not.toBe(old);
    await world.clock.advance(HOUR);
    expect(await isGood(later.certificatePem)).toBe(false);
  });
});

describe('what a device was sent on topics that are the same for all', () => {
  it('is dropped when nobody serves it', async () => {
    world.endpoint.sent.length = 0;
    const topic = '$aws/certificates/create/cbor';
    await world.receive({ deviceId, accountId }, { topic, payload: '{}' });
    expect(world.endpoint.sent).toEqual([]);
  });
});

describe('a device whose certificate ended while it was off', () => {
  const LATER = 740 * DAY;

  it('comes back by its token and its key, and its owner sees it', async () => {
    world.clock.jumpTo(world.clock.now() + LATER);
    expect(await isGood(old)).toBe(false);
    const { certificate } = await provision();
    expect(await isGood(certificate)).toBe(true);
    const [entry] = await lastOf('certificate.recovered');
    expect(entry).toMatchObject({ deviceId, details: { serial: serialOf(certificate) } });
    await provision();
    expect(await lastOf('certificate.recovered')).toHaveLength(1);
  });

  it('is refused, and told why, where its owner does not want that', async () => {
    await world.accounts.update(accountId, { recoverExpired: false }, 'user:U');
    world.clock.jumpTo(world.clock.now() + LATER);
    const refused = { code: 'DEVICE_EXPIRED', status: 403, message: expect.stringContaining(deviceId) };
    await expect(provision()).rejects.toEqual(expect.objectContaining(refused));
    await world.accounts.update(accountId, { recoverExpired: true }, 'user:U');
    expect(await isGood((await provision()).certificate)).toBe(true);
  });

  it('and that never used it is no returning one', async () => {
    await world.accounts.update(accountId, { recoverExpired: false }, 'user:U');
    const fresh = await world.ownedDevice(accountId);
    await world.provision({ ...fresh, csr: keys[1]!.csr });
    world.clock.jumpTo(world.clock.now() + LATER);
    expect(await world.provision({ ...fresh, csr: keys[1]!.csr })).toHaveProperty('certificate');
  });
});
