import { until } from '@ioto/testkit/until';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CloudWorld, heardBy, type WorldDevice } from '../websocket/cloud-world.fixture.ts';

let world: CloudWorld;
let mine: string;
let theirs: string;
let lamp: WorldDevice;
let foreign: WorldDevice;

beforeAll(async () => {
  world = await CloudWorld.create();
  mine = await world.account('Mine');
  theirs = await world.account('Theirs');
  lamp = await world.device(mine);
  foreign = await world.device(theirs);
});
afterAll(() => world?.[Symbol.asyncDispose]());

const ping = (id: string) => `ioto/service/${id}/test/ping`;

/** A tool of an account, and what it hears. */
async function tool(accountId: string, clientId: string, role = 'viewer', more: object = {}) {
  const client = await world.tool(await world.toolCredentials(accountId, { role }), clientId, more);
  return { client, heard: heardBy(client) };
}

async function granted(client: MqttClient, filter: string): Promise<number | undefined> {
  const codes = await client.subscribeAsync(filter, { qos: 1 }).catch(() => [{ qos: 0x80 }]);
  return codes[0]?.qos;
}

/** Resolves when the client has lost its connection. */
const gone = (client: MqttClient) => until('the connection to be closed', () => !client.connected);

describe('a tool', () => {
  it('hears what the devices of its account say, and nothing of others', async () => {
    const [a, b] = [await tool(mine, 'console'), await tool(theirs, 'console')];
    for (const { client } of [a, b]) expect(await granted(client, 'ioto/service/+/#')).toBe(1);
    const devices = [await world.connectDevice(lamp), await world.connectDevice(foreign)];
    await devices[0]?.publishAsync(ping(lamp.id), 'mine', { qos: 1 });
    await devices[1]?.publishAsync(ping(foreign.id), 'theirs', { qos: 1 });
    await devices[0]?.publishAsync(ping(lamp.id), 'the last', { qos: 1 });
    await until('the last', () => a.heard.length === 2);
    await until('theirs', () => b.heard.length === 1);
    expect(a.heard).toEqual([`${ping(lamp.id)} mine`, `${ping(lamp.id)} the last`]);
    expect(b.heard).toEqual([`${ping(foreign.id)} theirs`]);
  });

  it('hears what the cloud says to them, and they hear it once', async () => {
    const { client, heard } = await tool(mine, 'console');
    await client.subscribeAsync('ioto/device/+/sync/#', { qos: 1 });
    const stranger = await tool(theirs, 'console');
    await stranger.client.subscribeAsync('ioto/device/+/#', { qos: 1 });
    const own = await world.device(mine);
    const device = await world.connectDevice(own);
    await device.subscribeAsync([`ioto/device/${own.id}/#`, `$share/own/ioto/device/${own.id}/#`], {
      qos: 1,
    });
    const command = { _type: 'Command', accountId: mine, deviceId: own.id, command: 'blink', args: {} };
    expect((await world.admin('/generic/create', command)).status).toBe(201);
    await until('the command', () => heard.length > 0 && heardBy(device).length > 0);
    expect(heard[0]).toMatch(new RegExp(`^ioto/device/${own.id}/sync/INSERT .*"blink"`));
    await device.publishAsync(ping(own.id), '', { qos: 1 });
    expect(heardBy(device)).toEqual([heard[0]]);
    expect(stranger.heard).toEqual([]);
  });

  it('does not take messages away from others by a shared subscription of the same name', async () => {
    const [a, b] = [await tool(mine, 'worker'), await tool(theirs, 'worker')];
    for (const { client } of [a, b]) expect(await granted(client, '$share/all/ioto/service/+/#')).toBe(1);
    const device = await world.connectDevice(lamp);
    for (let n = 0; n < 5; n += 1) await device.publishAsync(ping(lamp.id), String(n), { qos: 1 });
    await until('all of them', () => a.heard.length === 5);
    expect(b.heard).toEqual([]);
  });

  it.each<[string, (id: string, other: string) => string, number]>([
    ['its devices', () => 'ioto/device/+/#', 1],
    ['one of them', (id) => `ioto/device/${id}/#`, 1],
    ['what they say', () => 'ioto/service/+/store/#', 1],
    ['their shadows', () => '$aws/things/+/shadow/#', 1],
    ['lifecycle events', () => '$aws/events/#', 1],
    ['its account', () => `ioto/account/${mine}/#`, 1],
    ['all accounts', () => 'ioto/account/all/#', 1],
    ['everything', () => '#', 0x80],
    ['every account', () => 'ioto/account/+/#', 0x80],
    ['another account', () => `ioto/account/${theirs}/#`, 0x80],
    ["another account's device", (_id, other) => `ioto/device/${other}/#`, 0x80],
    ['a shadow of it', (_id, other) => `$aws/things/${other}/shadow/#`, 0x80],
    ['their jobs', () => '$aws/things/+/jobs/#', 1],
    ['basic ingest', () => '$aws/rules/#', 0x80],
    ['the server', () => '$SYS/#', 0x80],
    ['anything else', () => 'chat/#', 0x80],
  ])('that subscribes %s is answered so', async (_name, filter, answer) => {
    const { client } = await tool(mine, 'subscriber', 'admin');
    expect(await granted(client, filter(lamp.id, foreign.id))).toBe(answer);
    expect(client.connected).toBe(true);
  });

  it('as user sends to a device of its account, which takes it', async () => {
    const device = await world.connectDevice(lamp);
    const heard = heardBy(device);
    await device.subscribeAsync(`ioto/device/${lamp.id}/#`, { qos: 1 });
    const { client } = await tool(mine, 'script', 'user');
    await client.publishAsync(`ioto/device/${lamp.id}/light/on`, 'please', { qos: 1 });
    await until('it to arrive', () => heard.length > 0);
    expect(heard).toEqual([`ioto/device/${lamp.id}/light/on please`]);
    await client.publishAsync(`$aws/things/${lamp.id}/shadow/update`, '{}', { qos: 1 });
    expect(client.connected).toBe(true);
  });

  it.each<[string, string, () => string]>([
    ['viewer', 'anything', () => `ioto/device/${lamp.id}/light/on`],
    ['viewer', 'to a shadow', () => `$aws/things/${lamp.id}/shadow/update`],
    ['user', "to another account's device", () => `ioto/device/${foreign.id}/light/on`],
    ['user', 'to a shadow of it', () => `$aws/things/${foreign.id}/shadow/update`],
    ['user', 'what only the cloud says', () => `ioto/device/${lamp.id}/provision/release`],
    ['user', 'data as the cloud does', () => `ioto/device/${lamp.id}/sync/UPSERT`],
    ['admin', 'as a device', () => ping(lamp.id)],
    ['admin', 'to its account', () => `ioto/account/${mine}/sync/UPSERT`],
    ['admin', 'events', () => `$aws/events/presence/connected/${lamp.id}`],
  ])('as %s that publishes %s is disconnected', async (role, _what, topic) => {
    const { client } = await tool(mine, 'publisher', role);
    client.publish(topic(), '{}', { qos: 1 }, () => undefined);
    await gone(client);
  });

  it('takes over its own earlier connection, but neither another account’s nor a device', async () => {
    const device = await world.connectDevice(lamp);
    const [a, b] = [await tool(mine, 'same'), await tool(theirs, 'same')];
    const named = await tool(theirs, lamp.id);
    const again = await tool(mine, 'same');
    await gone(a.client);
    await b.client.subscribeAsync('ioto/account/all/#');
    expect([b, again, named].map(({ client }) => client.connected)).toEqual([true, true, true]);
    await device.publishAsync(ping(lamp.id), '', { qos: 1 });
    expect(device.connected).toBe(true);
  });

  it('is nobody’s device: none comes online by it', async () => {
    const asleep = await world.device(mine);
    const { client } = await tool(mine, asleep.id);
    await client.subscribeAsync('ioto/account/all/#');
    expect((await world.admin('/device/get', { id: asleep.id })).json.connection).toBe('offline');
  });

  it('finds in its session what it missed, and only of its own', async () => {
    const kept = { clean: false };
    const before = await tool(mine, 'night watch', 'viewer', kept);
    await before.client.subscribeAsync('ioto/service/+/#', { qos: 1 });
    await before.client.endAsync();
    const devices = [await world.connectDevice(foreign), await world.connectDevice(lamp)];
    await devices[0]?.publishAsync(ping(foreign.id), 'theirs', { qos: 1 });
    await devices[1]?.publishAsync(ping(lamp.id), 'mine', { qos: 1 });
    const { client, heard } = await tool(mine, 'night watch', 'viewer', kept);
    await until('what it missed', () => heard.length > 0);
    await client.subscribeAsync('ioto/account/all/#');
    expect(heard).toEqual([`${ping(lamp.id)} mine`]);
  });

  it('hears a device from its claim to its release, though it subscribed before', async () => {
    const { client, heard } = await tool(mine, 'console');
    await client.subscribeAsync('ioto/service/+/#', { qos: 1 });
    const late = await world.device(mine);
    const device = await world.connectDevice(late);
    await device.publishAsync(ping(late.id), 'new', { qos: 1 });
    await until('the new device', () => heard.includes(`${ping(late.id)} new`));
    await device.subscribeAsync(`ioto/device/${late.id}/#`, { qos: 1 });
    await world.release(late.id);
    expect(await granted(client, `ioto/service/${late.id}/#`)).toBe(0x80);
  });
});

describe('a tool whose sponsor', () => {
  const watching = async (bearer: string, clientId: string, role = 'viewer') => {
    const keys = await world.toolCredentials(mine, { bearer, role });
    const client = await world.tool(keys, clientId);
    expect(client.connected).toBe(true);
    return { keys, client };
  };
  const refused = async (keys: Awaited<ReturnType<typeof watching>>['keys']) =>
    expect(world.tool(keys, 'again')).rejects.toThrow(/Not authorized/);

  it('signs out is sent away, and not let in again; another of the same user stays', async () => {
    const { login, email } = await world.user(mine, 'admin');
    const other = await watching(await world.signIn(email), 'other');
    const { keys, client } = await watching(login, 'one', 'admin');
    expect((await world.post('/user/logout', login, {})).status).toBe(200);
    await gone(client);
    await refused(keys);
    expect(other.client.connected).toBe(true);
  });

  it('has a new password, or is removed, is sent away', async () => {
    const changed = await world.user(mine, 'user');
    const first = await watching(changed.login, 'a');
    const update = { id: changed.id, accountId: mine, password: 'another correct horse' };
    expect((await world.admin('/user/update', update)).status).toBe(200);
    await gone(first.client);
    await refused(first.keys);
    const removed = await world.user(mine, 'user');
    const second = await watching(removed.login, 'b');
    await world.admin('/user/remove', { id: removed.id, accountId: mine });
    await gone(second.client);
    await refused(second.keys);
  });

  it('is given a lower role is sent away where it has lent more than that', async () => {
    const { id, login } = await world.user(mine, 'admin');
    const [high, low] = [await watching(login, 'high', 'admin'), await watching(login, 'low')];
    await world.admin('/user/update', { id, accountId: mine, role: 'viewer' });
    await gone(high.client);
    await refused(high.keys);
    await low.client.subscribeAsync('ioto/account/all/#');
  });

  it('is an API token that is removed is sent away', async () => {
    for (const accountId of [mine, undefined]) {
      const body = { type: 'cloudApi', accountId, role: 'user' };
      const made = (await world.admin('/token/create', body)).json;
      const { keys, client } = await watching(String(made.token), 'ci', 'user');
      await world.admin('/token/remove', { id: made.id, type: 'cloudApi', accountId });
      await gone(client);
      await refused(keys);
    }
  });
});

describe('a device with a credential of its own', () => {
  it('is the device: same session, same rights, one connection', async () => {
    const own = await world.device(mine);
    const byCertificate = await world.connectDevice(own);
    await byCertificate.subscribeAsync(`ioto/device/${own.id}/#`, { qos: 1 });
    const keys = await world.deviceCredentials(own);
    const bySignature = await world.tool(keys, own.id, { clean: false });
    await gone(byCertificate);
    const heard = heardBy(bySignature);
    const { client } = await tool(mine, 'script', 'user');
    await client.publishAsync(`ioto/device/${own.id}/light/on`, '', { qos: 1 });
    await until('it to hear by the subscription of its session', () => heard.length > 0);
    await until(
      'it to be online',
      async () => (await world.admin('/device/get', { id: own.id })).json.connection === 'online',
    );
    expect(await granted(bySignature, 'ioto/device/+/#')).toBe(0x80);
    bySignature.publish(`ioto/device/${own.id}/x`, '');
    await gone(bySignature);
  });

  it('may not call itself anything else', async () => {
    const keys = await world.deviceCredentials(lamp);
    for (const clientId of [foreign.id, 'console']) {
      await expect(world.tool(keys, clientId)).rejects.toThrow(/Not authorized/);
    }
  });

  it('is sent away at its release, and not let in again, not even when it is claimed anew', async () => {
    const own = await world.device(mine);
    const keys = await world.deviceCredentials(own);
    const client = await world.tool(keys, own.id);
    await client.subscribeAsync(`ioto/device/${own.id}/#`, { qos: 1 });
    await world.release(own.id);
    await gone(client);
    await expect(world.tool(keys, own.id)).rejects.toThrow(/Not authorized/);
    await world.admin('/device/claim', { id: own.id, accountId: mine });
    await expect(world.tool(keys, own.id)).rejects.toThrow(/Not authorized/);
  });
});
