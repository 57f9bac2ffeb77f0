import { writeFile } from 'node:fs/promises';
import { freePort, TestAuthority, until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Access, ClientProgram, Listener } from './clients/client-program.ts';
import { deviceAccess } from './clients/device-access.ts';
import { Mosquitto, mosquittoInstalled } from './clients/mosquitto.ts';
import { MqttJs } from './clients/mqtt-js.ts';
import { World } from './world.ts';

const MOSQUITTO = mosquittoInstalled
  ? 'mosquitto_pub and mosquitto_sub'
  : 'mosquitto_pub and mosquitto_sub (skipped: mosquitto-clients is not installed)';

const CLIENTS: { name: string; short: string; client: ClientProgram; installed: boolean }[] = [
  { name: 'MQTT.js, 3.1.1', short: 'js-4', client: new MqttJs(4), installed: true },
  { name: 'MQTT.js, 5', short: 'js-5', client: new MqttJs(5), installed: true },
  ...([4, 5] as const).map((level) => ({
    ...{ name: `${MOSQUITTO}, ${level === 5 ? '5' : '3.1.1'}`, short: `mosquitto-${level}` },
    ...{ client: new Mosquitto(level), installed: mosquittoInstalled },
  })),
];

let world: World;
let mqttPort: number;
/** Three devices of one account: one that mostly speaks and two that mostly listen. */
let lamp: Access;
let hall: Access;
let porch: Access;
/** Where a policy of the account lets its devices speak to each other. */
let house: string;
/** Where another policy lets a device publish; it is attached to none. */
let door: string;

beforeAll(async () => {
  mqttPort = await freePort();
  world = await World.create({ args: ['--mqtt', `127.0.0.1:${mqttPort}`] });
  const three = [deviceAccess(world), deviceAccess(world), deviceAccess(world)] as const;
  [lamp, hall, porch] = await Promise.all(three);
  house = `app/${world.owner.accountId}/house`;
  door = `app/${world.owner.accountId}/door`;
  await createPolicy('house', [
    allow(['iot:Publish', 'iot:Receive'], `topic/${house}/*`),
    allow('iot:Subscribe', `topicfilter/${house}/*`),
    allow('iot:RetainPublish', `topic/${house}/*/state`),
  ]);
  await createPolicy('door', [allow('iot:Publish', `topic/${door}/*`)]);
  await policy('attach', 'house', '--all');
});
afterAll(() => world?.[Symbol.asyncDispose]());

function allow(actions: string | string[], resource: string): object {
  return { Effect: 'Allow', Action: actions, Resource: `arn:aws:iot:*:*:${resource}` };
}

async function createPolicy(name: string, statements: object[]): Promise<void> {
  const document = JSON.stringify({ Version: '2012-10-17', Statement: statements });
  const { accountId } = world.owner;
  await world.cloud.id(['policy', 'create', name, '--account', accountId, '--document', '-'], document);
}

async function policy(verb: 'attach' | 'detach', name: string, ...target: string[]): Promise<void> {
  await world.cloud.id(['policy', verb, name, '--account', world.owner.accountId, ...target]);
}

/** The device with a certificate that `authority` has signed for it, of which the cloud knows nothing. */
async function withCertificateOf(authority: TestAuthority, device: Access): Promise<Access> {
  const { certificate, key } = await authority.issue({ commonName: device.clientId });
  const files = [world.directory.at('strange.crt'), world.directory.at('strange.key')] as const;
  await writeFile(files[0], certificate);
  await writeFile(files[1], key);
  return { ...device, certificate: files[0], key: files[1] };
}

async function hears(listener: Listener, payload: string): Promise<void> {
  await until(`"${payload}" to be heard`, () => listener.payloads.includes(payload));
}

for (const { name, short, client, installed } of CLIENTS) {
  describe.skipIf(!installed)(name, () => conversation(short, client));
}

/** What a client of either version must be able to do here. `short` keeps its topics apart from those of the others. */
function conversation(short: string, client: ClientProgram): void {
  const { level } = client;
  const refused = level === 5 ? 'refused 135' : 'closed';
  const notLetIn = level === 5 ? 'CONNACK 135' : 'CONNACK 5';
  const forbidden = level === 5 ? 0x87 : 0x80;
  const ping = () => ({ topic: `ioto/service/${lamp.clientId}/test/ping`, payloads: ['{}'], qos: 1 });
  const own = (rest: string) => `${house}/${short}/${rest}`;

  it('is let in with the certificate of the device only', async () => {
    const foreign = await withCertificateOf(await TestAuthority.create(), lamp);
    expect(await client.publish(foreign, ping())).toBe('closed');
    const unknown = await withCertificateOf(await world.authority(), lamp);
    expect(await client.publish(unknown, ping())).toBe(notLetIn);
    expect(await client.publish({ ...lamp, clientId: hall.clientId }, ping())).toBe(notLetIn);
    expect(await client.publish(lamp, ping())).toBe('done');
  });

  it.each([
    ['the main port with ALPN', 0, () => lamp],
    ['the main port with ALPN', 1, () => lamp],
    ['the main port with ALPN', 2, () => lamp],
    ['the port of --mqtt without', 1, () => ({ ...lamp, port: mqttPort, alpn: undefined })],
  ] as const)('stores a value over %s and with QoS %i', async (door, qos, access) => {
    const topic = `$aws/rules/IotoDevice/ioto/service/${lamp.clientId}/store/set`;
    const key = `${short}-${qos}`;
    const payload = JSON.stringify({ key, value: door, type: 'string' });
    expect(await client.publish(access(), { topic, payloads: [payload], qos })).toBe('done');
    await until('the value', async () => (await world.stored(lamp.clientId, key)) === door);
  });

  it('hears what the cloud sends to the device', async () => {
    await using listener = await client.listen(lamp, {
      filters: [`ioto/device/${lamp.clientId}/#`],
      qos: 1,
    });
    expect(listener.granted).toEqual([1]);
    const body = { _type: 'Command', deviceId: lamp.clientId, command: 'blink', args: {} };
    await world.cloud.call('/generic/create', { bearer: world.owner.token, body });
    await until('the command', () => listener.payloads.some((each) => each.includes('"command":"blink"')));
  });

  it('is told what it may not do', async () => {
    const filters = [`ioto/device/${hall.clientId}/#`, `ioto/device/${lamp.clientId}/#`, '#'];
    await using listener = await client.listen(lamp, { filters, qos: 1 });
    expect(listener.granted).toEqual([forbidden, 1, forbidden]);
    const topic = `ioto/service/${hall.clientId}/test/ping`;
    expect(await client.publish(lamp, { topic, payloads: ['{}'], qos: 1 })).toBe(refused);
    expect(await client.publish(lamp, { topic, payloads: ['{}'], qos: 2 })).toBe(refused);
    const will = { topic, payload: 'gone' };
    expect(await client.publish(lamp, { ...ping(), will })).toBe(notLetIn);
  });

  it('publishes on a topic of the account while a policy lets it', async () => {
    const ring = () => client.publish(lamp, { topic: `${door}/${short}`, payloads: ['ring'], qos: 1 });
    expect(await ring()).toBe(refused);
    await policy('attach', 'door', '--device', lamp.clientId);
    expect(await ring()).toBe('done');
    await policy('detach', 'door', '--device', lamp.clientId);
    expect(await ring()).toBe(refused);
  });

  it('is heard by other devices once, with the QoS of both', async () => {
    const topic = own('bell');
    await using low = await client.listen(hall, { filters: [own('+')], qos: 1 });
    await using high = await client.listen(porch, { filters: [topic, own('#')], qos: 2 });
    expect([low.granted, high.granted]).toEqual([[1], [2, 2]]);
    for (const qos of [0, 1, 2]) {
      expect(await client.publish(lamp, { topic, payloads: [`with ${qos}`], qos })).toBe('done');
    }
    await Promise.all([low, high].map((each) => hears(each, 'with 2')));
    const heard = (qos: number[]) =>
      qos.map((each, sent) => ({ topic, payload: `with ${sent}`, qos: each, retain: false }));
    expect(low.heard).toEqual(heard([0, 1, 1]));
    expect(high.heard).toEqual(heard([0, 1, 2]));
  });

  it('finds what another device has left behind, until that is taken away', async () => {
    const topic = own('door/state');
    const leave = (payload: string) =>
      client.publish(lamp, { topic, payloads: [payload], qos: 1, retain: true });
    const listening = { filters: [own('door/+')], qos: 1 };
    await using present = await client.listen(porch, listening);
    expect(await leave('open')).toBe('done');
    await hears(present, 'open');
    const open = { topic, payload: 'open', qos: 1 };
    expect(present.heard).toEqual([{ ...open, retain: false }]);
    await using late = await client.listen(hall, listening);
    await hears(late, 'open');
    expect(late.heard).toEqual([{ ...open, retain: true }]);
    expect(await leave('')).toBe('done');
    await using last = await client.listen(hall, listening);
    const ring = { topic: own('door/bell'), payloads: ['ring'], qos: 1 };
    expect(await client.publish(lamp, ring)).toBe('done');
    await hears(last, 'ring');
    expect(last.payloads).toEqual(['ring']);
    expect(await client.publish(lamp, { ...ring, retain: true })).toBe(refused);
  });

  it('leaves its will when it is killed, and not when it takes its leave', async () => {
    const will = { topic: own('will'), payload: 'gone' };
    await using witness = await client.listen(hall, { filters: [own('+')], qos: 1 });
    const note = { topic: own('note'), qos: 1 };
    expect(await client.publish(lamp, { ...note, payloads: ['first'], will })).toBe('done');
    expect(await client.publish(lamp, { ...note, payloads: ['second'] })).toBe('done');
    await hears(witness, 'second');
    expect(witness.payloads).toEqual(['first', 'second']);
    const filters = [`ioto/device/${lamp.clientId}/#`];
    await using listener = await client.listen(lamp, { filters, qos: 1, will });
    await listener.kill();
    await hears(witness, 'gone');
    expect(witness.heard.at(-1)).toEqual({ ...will, qos: 1, retain: false });
  });

  it('gets on its return what came while it was away, once and in order', async () => {
    const listening = { filters: [own('mail')], qos: 2, persistent: true };
    const post = (payloads: string[], qos: number) =>
      client.publish(lamp, { topic: own('mail'), payloads, qos });
    await using before = await client.listen(hall, listening);
    expect(await post(['present'], 1)).toBe('done');
    await hears(before, 'present');
    await before.kill();
    expect(await post(['one', 'two', 'three'], 1)).toBe('done');
    expect(await post(['four', 'five'], 2)).toBe('done');
    await using after = await client.listen(hall, listening);
    expect(await post(['back'], 2)).toBe('done');
    await hears(after, 'back');
    // What it heard just before it was killed it may not have acknowledged.
    const mail = after.payloads.filter((each) => each !== 'present');
    expect(mail).toEqual(['one', 'two', 'three', 'four', 'five', 'back']);
  });

  it('shares a subscription with another: each message goes to one of them', async () => {
    const listening = { filters: [`$share/workers/${own('work')}`], qos: 1 };
    await using one = await client.listen(hall, listening);
    await using two = await client.listen(porch, listening);
    const payloads = Array.from({ length: 20 }, (_, index) => `piece ${index}`);
    expect(await client.publish(lamp, { topic: own('work'), payloads, qos: 1 })).toBe('done');
    const all = () => [...one.payloads, ...two.payloads];
    await until('all of it', () => payloads.every((each) => all().includes(each)));
    expect(all().sort()).toEqual([...payloads].sort());
    expect([one, two].map(({ heard }) => heard.length > 0)).toEqual([true, true]);
  });
}
