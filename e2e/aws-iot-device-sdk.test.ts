import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SIGNATURE_HEADER, signRequest } from '@ioto/protocol';
import { type DeviceFiles, freePort, Program } from '@ioto/testkit';
import mqtt from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

const SCRIPT = fileURLToPath(new URL('./devices/aws-sdk-conversation.mjs', import.meta.url));

type Keys = Record<'accessKeyId' | 'secretAccessKey' | 'sessionToken' | 'region', string>;
type Step = [client: string, verb: string, ...rest: unknown[]];

let world: World;
let mtls: number;
let id: string;
let other: string;
let files: DeviceFiles;
let deviceKeys: Keys;
let toolKeys: Keys;

beforeAll(async () => {
  mtls = await freePort();
  world = await World.create({ args: ['--mtls', `127.0.0.1:${mtls}`] });
  const connected = await world.connectedDevice();
  files = connected.device;
  id = connected.id;
  deviceKeys = await keysOfDevice(files);
  await connected.program.kill();
  const stranger = await world.newOwner('Second owner', 'second@example.com');
  other = (await world.connectedDevice(stranger)).id;
  const { accountId } = world.owner;
  toolKeys = (await world.cloud.json(['credentials', '--account', accountId, '--role', 'user'])) as Keys;
});
afterAll(() => world?.[Symbol.asyncDispose]());

const certs = (device: DeviceFiles, name: string) => join(device.state, 'certs', name);

/** Asks as a device's agent does, with the token and the identity key in its state directory. */
async function keysOfDevice(device: DeviceFiles): Promise<Keys> {
  const provision = (await device.read('config', 'provision.json5')) ?? '';
  const token = /"?token"?\s*:\s*["']([^"']+)/.exec(provision)?.[1] ?? '';
  const key = createPrivateKey(await readFile(certs(device, 'ioto.key'), 'utf8'));
  const path = '/tok/device/getCreds';
  const signature = signRequest({ method: 'POST', path: `/api${path}`, body: '' }, key, Date.now());
  const answer = await world.cloud.call(path, { bearer: token, headers: { [SIGNATURE_HEADER]: signature } });
  expect([answer.status, answer.json.region]).toEqual([200, 'local']);
  return answer.json as Keys;
}

/** Runs a conversation in a process of its own and resolves what came of its steps. */
async function converse(
  clients: Record<string, object>,
  steps: Step[],
  meanwhile?: { after: RegExp; act: () => Promise<unknown> },
): Promise<unknown[]> {
  const access = { host: 'localhost', port: world.cloud.port, ca: world.cloud.authorityFile };
  const all = Object.entries(clients).map(([name, client]) => [name, { ...access, ...client }]);
  const stdin = JSON.stringify({ clients: Object.fromEntries(all), steps });
  await using program = Program.spawnScript(SCRIPT, [], { stdin });
  if (meanwhile) {
    await program.waitFor(meanwhile.after);
    await meanwhile.act();
  }
  await program.waitFor(/^over$/m, { timeout: 50_000 });
  const lines = program.stdout.trim().split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line).outcome ?? null);
}

const VERSIONS = ['mqtt311', 'mqtt5'] as const;
const ROADS = ['its certificate', 'SigV4 over WebSocket'] as const;
const CONVERSATIONS = VERSIONS.flatMap((version) => ROADS.map((road) => [version, road] as const));

describe.each(CONVERSATIONS)('a device with the %s client of the AWS SDK, by %s', (version, road) => {
  const access = () => ({
    version,
    clientId: id,
    ...(road === 'its certificate'
      ? { certificate: { cert: certs(files, 'ioto.crt'), key: certs(files, 'ioto.key') } }
      : { keys: deviceKeys }),
  });
  const refused = version === 'mqtt5' ? 0x87 : 0x80;

  it('subscribes, stores and asks, and finds its session again', async () => {
    const key = `${version}-${road.length}`;
    const value = `by ${road}`;
    const answer = `ioto/device/${id}/store/get/7`;
    const outcomes = await converse({ lamp: access() }, [
      ['lamp', 'connect'],
      ['lamp', 'subscribe', `ioto/device/${id}/store/+/+`, 1],
      ['lamp', 'publish', `ioto/service/${id}/test/ping`, '{}', 0],
      [
        ...['lamp', 'publish', `$aws/rules/IotoDevice/ioto/service/${id}/store/set`],
        ...[JSON.stringify({ key, value, type: 'string' }), 1],
      ] as Step,
      ['lamp', 'publish', `ioto/service/${id}/store/get/7`, JSON.stringify({ key }), 1],
      ['lamp', 'hear', answer],
      ['lamp', 'disconnect'],
      ['lamp', 'connect'],
      ['lamp', 'publish', `ioto/service/${id}/store/get/7`, JSON.stringify({ key }), 1],
      ['lamp', 'hear', answer],
      ['lamp', 'disconnect'],
    ]);
    const [, granted, ping, stored, asked, first, , again, askedAgain, second] = outcomes;
    expect([granted, ping, stored, asked]).toEqual([1, 'done', 'done', 'done']);
    expect(String(first)).toContain(value);
    expect(again).toMatchObject({ sessionPresent: true });
    expect([askedAgain, second]).toEqual(['done', first]);
  });

  it('is refused what is not its own', async () => {
    const outcomes = await converse({ lamp: access() }, [
      ['lamp', 'connect'],
      ['lamp', 'subscribe', `ioto/device/${other}/#`, 1],
      ['lamp', 'subscribe', `ioto/device/${id}/#`, 1],
      ['lamp', 'publish', `ioto/service/${other}/test/ping`, '{}', 1],
    ]);
    expect(outcomes.slice(1)).toEqual([refused, 1, version === 'mqtt5' ? 0x87 : 'closed']);
  });

  it('is closed when the same device comes again', async () => {
    const outcomes = await converse({ first: access(), second: access() }, [
      ['first', 'connect'],
      ['second', 'connect'],
      ['first', 'closed'],
      ['second', 'publish', `ioto/service/${id}/test/ping`, '{}', 1],
    ]);
    expect(outcomes.slice(2)).toEqual([version === 'mqtt5' ? 0x8e : 'closed', 'done']);
  });
});

describe.each(VERSIONS)('a released device with the %s client of the AWS SDK', (version) => {
  it('is closed at once, and refused with the same credentials from then on', async () => {
    const { device, program, id: released } = await world.connectedDevice();
    const keys = await keysOfDevice(device);
    await program.kill();
    const access = { version, clientId: released, keys };
    const release = () => world.cloud.id(['device', 'release', released]);
    const outcomes = await converse(
      { lamp: access, again: access },
      [
        ['lamp', 'connect'],
        ['lamp', 'subscribe', `ioto/device/${released}/#`, 1],
        ['lamp', 'closed'],
        ['again', 'connect'],
      ],
      { after: /"subscribe"/, act: release },
    );
    expect(outcomes[0]).not.toHaveProperty('refused');
    // Server shutting down the session is an administrative action (5.0, 3.14.2.1).
    expect(outcomes[2]).toBe(version === 'mqtt5' ? 0x98 : 'closed');
    expect(outcomes[3]).toHaveProperty('refused');
  });
});

describe.each(VERSIONS)('a tool with the %s client of the AWS SDK', (version) => {
  const tool = (clientId: string) => ({ version, clientId, keys: toolKeys });
  const lamp = () => ({
    version,
    clientId: id,
    certificate: { cert: certs(files, 'ioto.crt'), key: certs(files, 'ioto.key') },
  });

  it('hears its devices, speaks to them and finds its session again', async () => {
    const ping = `ioto/service/${id}/test/ping`;
    const light = `ioto/device/${id}/light/${version}`;
    const outcomes = await converse({ console: tool(`console-${version}`), lamp: lamp() }, [
      ['console', 'connect'],
      ['console', 'subscribe', 'ioto/service/+/test/+', 1],
      ['lamp', 'connect'],
      ['lamp', 'subscribe', `ioto/device/${id}/light/+`, 1],
      ['lamp', 'publish', ping, 'hello', 1],
      ['console', 'hear', ping],
      ['console', 'publish', light, 'on', 0],
      ['lamp', 'hear', light],
      ['console', 'publish', light, 'off', 1],
      ['console', 'disconnect'],
      ['lamp', 'publish', ping, 'while you were away', 1],
      ['console', 'connect'],
      ['console', 'hear', ping],
      ['console', 'disconnect'],
    ]);
    expect(outcomes[0]).toMatchObject({ sessionPresent: false });
    expect(outcomes.slice(1, 2)).toEqual([1]);
    expect(outcomes.slice(3, 9)).toEqual([1, 'done', 'hello', 'done', 'on', 'done']);
    expect(outcomes[11]).toMatchObject({ sessionPresent: true });
    expect(outcomes[12]).toBe('while you were away');
  });

  it('is refused what is not its account’s, and replaced by another of the same name', async () => {
    const outcomes = await converse({ one: tool('same'), two: tool('same'), bold: tool(id) }, [
      ['one', 'connect'],
      ['one', 'subscribe', `ioto/device/${other}/#`, 1],
      ['one', 'subscribe', '#', 1],
      ['two', 'connect'],
      ['one', 'closed'],
      ['two', 'publish', `ioto/device/${other}/light/on`, '{}', 1],
      ['bold', 'connect'],
      ['bold', 'subscribe', `ioto/device/${id}/#`, 1],
    ]);
    const [code, taken, forbidden] = version === 'mqtt5' ? [0x87, 0x8e, 0x87] : [0x80, 'closed', 'closed'];
    expect(outcomes.slice(1, 3)).toEqual([code, code]);
    expect(outcomes.slice(4, 6)).toEqual([taken, forbidden]);
    expect(outcomes[7]).toBe(1);
  });
});

describe('MQTT.js over wss with a device certificate', () => {
  it.each([
    ['the port of --mtls', () => ({ port: mtls, ALPNProtocols: undefined })],
    ['the main port with ALPN', () => ({ port: world.cloud.port, ALPNProtocols: ['x-amzn-http-ca'] })],
  ])('comes in on %s', async (_name, door) => {
    const { port, ALPNProtocols } = door();
    const client = await mqtt.connectAsync(`wss://localhost:${port}/mqtt`, {
      ca: world.cloud.authority,
      cert: await readFile(certs(files, 'ioto.crt')),
      key: await readFile(certs(files, 'ioto.key')),
      clientId: id,
      protocolVersion: 5,
      reconnectPeriod: 0,
      wsOptions: { ALPNProtocols } as object,
    });
    const [grant] = await client.subscribeAsync(`ioto/device/${id}/#`, { qos: 1 });
    expect(grant?.qos).toBe(1);
    await client.endAsync();
  });
});
