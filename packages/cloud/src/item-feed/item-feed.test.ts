import { itemsTopic, serviceTopic } from '@ioto/protocol';
import { until } from '@ioto/testkit/until';
import type { MqttClient } from 'mqtt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CloudWorld, heardBy, type WorldDevice } from '../websocket/cloud-world.fixture.ts';

let world: CloudWorld;
let mine: string;
let theirs: string;
let lamp: WorldDevice;
let device: MqttClient;

beforeAll(async () => {
  world = await CloudWorld.create();
  mine = await world.account('Mine');
  theirs = await world.account('Theirs');
  lamp = await world.device(mine);
  device = await world.connectDevice(lamp);
});
afterAll(() => world?.[Symbol.asyncDispose]());

async function tool(accountId: string, clientId: string, role = 'viewer'): Promise<MqttClient> {
  return world.tool(await world.toolCredentials(accountId, { role }), clientId);
}

async function granted(client: MqttClient, filter: string): Promise<number | undefined> {
  const codes = await client.subscribeAsync(filter, { qos: 1 }).catch(() => [{ qos: 0x80 }]);
  return codes[0]?.qos;
}

/** What a client has heard, as topics below the account's and bodies. */
const items = (client: MqttClient) =>
  heardBy(client).map((said) => {
    const [topic = ''] = said.split(' ');
    return {
      topic: topic.replace(`${itemsTopic.ofAccount(mine)}/`, ''),
      ...JSON.parse(said.slice(topic.length + 1)),
    };
  });

let seconds = 0;
const later = () => {
  seconds += 1;
  return new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();
};

function change(key: string, value: string, cmd = 'upsert') {
  const item = { _type: 'Store', sk: `s#${key}`, key, value, type: 'string', updated: later() };
  return { cmd, key: item.sk, item };
}

const up = (...changes: object[]) =>
  device.publishAsync(serviceTopic.syncUp(lamp.id), JSON.stringify({ seq: 1, changes }), { qos: 1 });

describe('a tool that subscribes to the items of its account', () => {
  it('hears of each version once it is committed, whoever made it, and of removals', async () => {
    const [own, stranger] = [await tool(mine, 'view'), await tool(theirs, 'view')];
    expect(await granted(own, `ioto/items/${mine}/+/Store`)).toBe(1);
    expect(await granted(stranger, `ioto/items/${theirs}/#`)).toBe(1);
    const level = change('level', '1');
    await up(level, change('mode', 'dim'));
    await up(level);
    const fields = { _type: 'Store', deviceId: lamp.id, key: 'level', accountId: mine };
    expect((await world.admin('/generic/update', { ...fields, value: '2' })).status).toBe(200);
    expect((await world.admin('/generic/remove', fields)).status).toBe(200);
    await up(change('mode', '', 'remove'));
    await until('all of them', () => heardBy(own).length >= 5);
    const about = { topic: `${lamp.id}/Store`, accountId: mine, deviceId: lamp.id, _type: 'Store' };
    expect(items(own)).toEqual([
      expect.objectContaining({ ...about, ...level.item }),
      expect.objectContaining({ ...about, key: 'mode', value: 'dim' }),
      expect.objectContaining({ ...about, key: 'level', value: '2' }),
      expect.objectContaining({ ...about, key: 'level', removed: true }),
      expect.objectContaining({ ...about, key: 'mode', removed: true }),
    ]);
    for (const item of items(own)) expect(Object.keys(item)).not.toEqual(expect.arrayContaining(['pk']));
    expect(JSON.stringify(items(own))).not.toContain('_sync');
    expect(heardBy(stranger)).toEqual([]);
  });

  it('hears of what is for all its devices, and of the devices themselves', async () => {
    const client = await tool(mine, 'all');
    await client.subscribeAsync(`$share/all/ioto/items/${mine}/#`, { qos: 1 });
    const body = { _type: 'Broadcast', accountId: mine, key: 'news', value: 'x' };
    expect((await world.admin('/generic/create', body)).status).toBe(201);
    const added = await world.device(mine);
    await until('both', () => items(client).some(({ topic }) => topic === `${added.id}/Device`));
    expect(items(client)[0]).toMatchObject({ topic: 'all/Broadcast', key: 'news', value: 'x' });
  });

  it('may not listen to another account, nor say anything there; a device may do neither', async () => {
    const client = await tool(mine, 'admin', 'admin');
    for (const filter of [`ioto/items/${theirs}/#`, 'ioto/items/+/#', 'ioto/items/#']) {
      expect(await granted(client, filter)).toBe(0x80);
    }
    const other = await world.connectDevice(await world.device(mine));
    expect(await granted(other, `ioto/items/${mine}/#`)).toBe(0x80);
    for (const liar of [client, other]) {
      liar.publish(itemsTopic.item(mine, lamp.id, 'Store'), '{}', { qos: 1 }, () => undefined);
      await until('it to be sent away', () => !liar.connected);
    }
  });
});
