import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  connectPacket,
  publishPacket,
  type RawOutcome,
  sendRaw,
  subscribePacket,
  TestAuthority,
  until,
} from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

/** CONNACK with return code 0, whatever it says of a session. */
const admitted = (received: Buffer) => received[0] === 0x20 && received[1] === 2 && received[3] === 0;

let world: World;
let device: { id: string; certificate: string; key: string; accountId: string };
let other: { id: string };

beforeAll(async () => {
  world = await World.create();
  device = { ...(await credentialsOf(await world.connectedDevice())), accountId: world.owner.accountId };
  other = await world.connectedDevice();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** Stops the device's program and resolves what it would connect with. */
async function credentialsOf({ device, program, id }: Awaited<ReturnType<World['connectedDevice']>>) {
  await program.kill();
  const certificate = await readFile(`${device.state}/certs/ioto.crt`, 'utf8');
  const key = await readFile(`${device.state}/certs/ioto.key`, 'utf8');
  return { id, certificate, key };
}

function send(
  { certificate, key }: { certificate: string; key: string },
  writes: Buffer[],
  more: { patience?: number; enough?: (received: Buffer) => boolean } = {},
): Promise<RawOutcome> {
  const tls = { ca: world.cloud.authority, cert: certificate, key, ALPNProtocols: ['x-amzn-mqtt-ca'] };
  return sendRaw({ port: world.cloud.port, tls }, { writes, pause: 40, ...more });
}

const connackCame = (received: Buffer) => received.length >= 4;

describe('a device certificate', () => {
  it('as issued connects', async () => {
    const { received } = await send(device, [connectPacket(device.id)], { enough: connackCame });
    expect(admitted(received)).toBe(true);
  });

  it('of another authority is refused', async () => {
    const stranger = await (await TestAuthority.create()).issue({ commonName: device.id });
    const { received, end } = await send(stranger, [connectPacket(device.id)]);
    expect(end).toBe('closed');
    expect(admitted(received)).toBe(false);
  });

  it('of an authority that calls itself like ours is refused', async () => {
    const twin = await TestAuthority.create(subjectOfAuthority());
    const { received, end } = await send(await twin.issue({ commonName: device.id }), [
      connectPacket(device.id),
    ]);
    expect(end).toBe('closed');
    expect(admitted(received)).toBe(false);
  });

  it('that has expired, or is not valid yet, is refused', async () => {
    const authority = await world.authority();
    const day = 86_400_000;
    for (const [notBefore, notAfter] of [
      [Date.now() - 2 * day, Date.now() - day],
      [Date.now() + day, Date.now() + 2 * day],
    ]) {
      const issued = await authority.issue({ commonName: device.id, notBefore, notAfter });
      const { received, end } = await send(issued, [connectPacket(device.id)]);
      expect(end).toBe('closed');
      expect(admitted(received)).toBe(false);
    }
  });

  it('that our authority signed but the cloud never issued is refused', async () => {
    const issued = await (await world.authority()).issue({ commonName: device.id });
    const { received, end } = await send(issued, [connectPacket(device.id)]);
    expect(end).toBe('closed');
    expect(admitted(received)).toBe(false);
  });

  it('of another device does not admit to this one', async () => {
    const { received, end } = await send(device, [connectPacket(other.id)]);
    expect(end).toBe('closed');
    expect(admitted(received)).toBe(false);
    expect((await world.show(other.id)).connection).toBe('online');
  });

  it('is refused once the device was released', async () => {
    const released = await credentialsOf(await world.connectedDevice());
    await world.cloud.id(['device', 'release', released.id]);
    await until('the refusal', async () => {
      const { received } = await send(released, [connectPacket(released.id)]);
      return !admitted(received);
    });
  });

  it('is refused on every open connection too, once the device was released', async () => {
    const released = await credentialsOf(await world.connectedDevice());
    const standing = send(released, [connectPacket(released.id)], { patience: 9000 });
    await world.online(released.id);
    await world.cloud.id(['device', 'release', released.id]);
    expect((await standing).end).toBe('closed');
  });
});

describe('a connected device', () => {
  it.each([
    ['what another device says', () => `ioto/service/${other.id}/test/ping`],
    ["another device's data", () => `$aws/rules/IotoDevice/ioto/service/${other.id}/db/syncToDynamo`],
    ['what the cloud tells it', () => `ioto/device/${device.id}/sync/UPSERT`],
    ['what the cloud tells another', () => `ioto/device/${other.id}/provision/release`],
    ['to its whole account', () => `ioto/account/${device.accountId}/sync/UPSERT`],
    ['to all accounts', () => 'ioto/account/all/sync/UPSERT'],
    ["another's shadow", () => `$aws/things/${other.id}/shadow/update`],
    ['system topics', () => '$SYS/broker/load'],
    ['anything else', () => 'hello'],
    ['just beside its own', () => `ioto/service/${device.id}x/test/ping`],
  ])('that publishes %s is disconnected without PUBACK', async (_name, topic) => {
    const outcome = await send(device, [connectPacket(device.id), publishPacket(topic(), '{}', 9)]);
    expect(outcome.end).toBe('closed');
    expect(outcome.received.includes(Buffer.from([0x40, 2, 0, 9]))).toBe(false);
  });

  it.each([
    ['everything', () => '#'],
    ['every device', () => 'ioto/device/+/#'],
    ['another device', () => `ioto/device/${other.id}/#`],
    ['another account', () => 'ioto/account/01HZZZZZZZZZZZZZZZZZZZZZZZ/#'],
    ['every account', () => 'ioto/account/+/#'],
    ["another's shadow", () => `$aws/things/${other.id}/#`],
    ['what devices send', () => `ioto/service/${device.id}/#`],
    ['basic ingest', () => '$aws/rules/#'],
    ['system topics', () => '$SYS/#'],
  ])('that subscribes %s gets SUBACK 0x80 and stays', async (_name, filter) => {
    const refusal = Buffer.from([0x90, 3, 0, 5, 0x80]);
    const outcome = await send(device, [connectPacket(device.id), subscribePacket(5, filter())], {
      enough: (received) => received.includes(refusal),
    });
    expect(outcome.received.includes(refusal)).toBe(true);
    expect(outcome.end).toBe('open');
  });

  it('that claims in a message to be another writes into its own data only', async () => {
    const item = {
      _type: 'Store',
      sk: 's#forged',
      key: 'forged',
      value: '1',
      type: 'string',
      accountId: '01HZZZZZZZZZZZZZZZZZZZZZZZ',
      deviceId: other.id,
      pk: `s#${device.accountId}#${other.id}`,
      updated: new Date().toISOString(),
    };
    const body = JSON.stringify({ seq: 1, changes: [{ cmd: 'upsert', key: item.sk, item }] });
    const topic = `$aws/rules/IotoDevice/ioto/service/${device.id}/db/syncToDynamo`;
    await send(device, [connectPacket(device.id), publishPacket(topic, body, 3)], {
      enough: (received) => received.includes(Buffer.from([0x40, 2, 0, 3])),
    });
    expect(await world.stored(other.id, 'forged')).toBeUndefined();
    const own = await world.stored(device.id, 'forged');
    expect([undefined, '1']).toContain(own);
  });
});

function subjectOfAuthority(): string {
  return new X509Certificate(world.cloud.authority).subject.split('\n').join(', ');
}
