import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';
import type { ScriptedClient } from '../../test/scripted-client.ts';
import type { ConnectPacket } from '../codec/packets.ts';

const BOTH: [4 | 5][] = [[4], [5]];

const lasting = (protocolLevel: 4 | 5, receiveMaximum?: number): Partial<ConnectPacket> => ({
  protocolLevel,
  cleanSession: false,
  keepAlive: 1200,
  properties: protocolLevel === 5 ? { sessionExpiryInterval: 5000, receiveMaximum } : undefined,
});

async function subscribed(world: MqttWorld, clientId: string, connect: Partial<ConnectPacket>) {
  const client = await world.client(clientId, connect);
  client.subscribe(1, ['a', 2]);
  await client.nextOf('suback');
  return client;
}

/** What a client was sent, as `TYPE ID`, with `!` for DUP. */
async function said(world: MqttWorld, client: ScriptedClient): Promise<string[]> {
  await world.settle();
  return client.inbox.splice(0).map((each) => {
    const id = 'packetId' in each ? each.packetId : '';
    return `${each.type} ${id}${each.type === 'publish' && each.dup ? '!' : ''}`;
  });
}

describe.each(BOTH)('from a client at level %i', (protocolLevel) => {
  it('what bears the identifier of an acknowledged message is a new one, whatever DUP says [MQTT-4.3.2-2] [MQTT5-4.3.2-5]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { protocolLevel });
    for (const text of ['1', '2']) {
      client.publish('a', text, { qos: 1, packetId: 5, dup: true });
      expect(await client.next()).toMatchObject({ type: 'puback', packetId: 5 });
    }
    expect(world.received.map(({ payload }) => payload.toString())).toEqual(['1', '2']);
  });

  it('PUBREC and PUBCOMP come in the order of what they answer [MQTT-4.6.0-3] [MQTT5-4.6.0-3]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { protocolLevel });
    for (const packetId of [3, 1, 2]) client.publish('a', '', { qos: 2, packetId });
    expect(await said(world, client)).toEqual(['pubrec 3', 'pubrec 1', 'pubrec 2']);
    for (const packetId of [2, 3, 1]) client.send({ type: 'pubrel', packetId });
    expect(await said(world, client)).toEqual(['pubcomp 2', 'pubcomp 3', 'pubcomp 1']);
  });
});

describe.each(BOTH)('to a client at level %i', (protocolLevel) => {
  it('QoS 0 has no identifier and no DUP, QoS 1 and 2 begin without DUP [MQTT-4.3.1-1] [MQTT5-4.3.1-1] [MQTT5-4.3.2-2] [MQTT5-4.3.3-2]', async () => {
    await using world = new MqttWorld();
    const client = await subscribed(world, 'd1', { protocolLevel });
    for (const qos of [0, 1, 2] as const) world.server.publish('a', 'x', { qos });
    expect(await said(world, client)).toEqual(['publish 0', 'publish 1', 'publish 2']);
  });

  it('nothing is sent again while it is connected, however long it says nothing of it [MQTT5-4.4.0-1]', async () => {
    await using world = new MqttWorld();
    const client = await subscribed(world, 'd1', lasting(protocolLevel));
    for (const qos of [1, 2] as const) world.server.publish('a', 'x', { qos });
    expect(await said(world, client)).toEqual(['publish 1', 'publish 2']);
    client.send({ type: 'pubrec', packetId: 2 });
    expect(await said(world, client)).toEqual(['pubrel 2']);
    for (let quarter = 0; quarter < 4; quarter += 1) {
      await world.clock.advance(900_000);
      client.send({ type: 'pingreq' });
    }
    expect(await said(world, client)).toEqual(Array(4).fill('pingresp '));
  });

  it('what is sent again comes in the order of its first sending, and once for each connection [MQTT-4.4.0-1] [MQTT-4.6.0-1] [MQTT5-4.4.0-1] [MQTT5-4.6.0-1]', async () => {
    await using world = new MqttWorld();
    const client = await subscribed(world, 'd1', lasting(protocolLevel));
    for (const qos of [2, 1, 2, 1, 0] as const) world.server.publish('a', 'x', { qos });
    expect(await said(world, client)).toHaveLength(5);
    client.ack(2);
    client.vanish();
    for (let round = 0; round < 2; round += 1) {
      const again = await world.client('d1', lasting(protocolLevel));
      expect(await said(world, again)).toEqual(['publish 1!', 'publish 3!', 'publish 4!']);
      again.vanish();
    }
  });

  it('PUBREL comes in the order of PUBREC [MQTT-4.6.0-4] [MQTT5-4.6.0-4]', async () => {
    await using world = new MqttWorld();
    const client = await subscribed(world, 'd1', { protocolLevel });
    for (let count = 0; count < 3; count += 1) world.server.publish('a', 'x', { qos: 2 });
    await said(world, client);
    for (const packetId of [2, 3, 1]) client.send({ type: 'pubrec', packetId });
    expect(await said(world, client)).toEqual(['pubrel 2', 'pubrel 3', 'pubrel 1']);
  });

  it('PUBLISH never comes again once PUBREL was sent [MQTT-4.3.3-1] [MQTT5-4.3.3-5] [MQTT5-4.3.3-6]', async () => {
    await using world = new MqttWorld();
    const client = await subscribed(world, 'd1', lasting(protocolLevel));
    world.server.publish('a', 'x', { qos: 2 });
    await said(world, client);
    client.send({ type: 'pubrec', packetId: 1 });
    expect(await said(world, client)).toEqual(['pubrel 1']);
    client.send({ type: 'pubrec', packetId: 1 });
    expect(await said(world, client)).toEqual(['pubrel 1']);
    client.vanish();
    const again = await world.client('d1', lasting(protocolLevel));
    expect(await said(world, again)).toEqual(['pubrel 1']);
    again.send({ type: 'pubcomp', packetId: 1 });
    await world.settle();
    again.vanish();
    expect(await said(world, await world.client('d1', lasting(protocolLevel)))).toEqual([]);
  });

  it('a message of another kind that bears its identifier acknowledges nothing [MQTT5-4.3.2-3] [MQTT5-4.3.3-3]', async () => {
    await using world = new MqttWorld();
    const client = await subscribed(world, 'd1', lasting(protocolLevel));
    for (const qos of [1, 2] as const) world.server.publish('a', 'x', { qos });
    await said(world, client);
    client.send({ type: 'pubcomp', packetId: 1 }, { type: 'pubcomp', packetId: 2 });
    client.send({ type: 'puback', packetId: 2 }, { type: 'puback', packetId: 77 });
    await world.settle();
    client.vanish();
    const again = await world.client('d1', lasting(protocolLevel));
    expect(await said(world, again)).toEqual(['publish 1!', 'publish 2!']);
  });
});

describe('a client of MQTT 5', () => {
  it('that refuses a message is not sent it again [MQTT5-4.4.0-2]', async () => {
    await using world = new MqttWorld();
    const client = await subscribed(world, 'd1', lasting(5));
    for (const qos of [1, 2] as const) world.server.publish('a', 'x', { qos });
    await said(world, client);
    client.send({ type: 'puback', packetId: 1, reasonCode: 0x97 });
    client.send({ type: 'pubrec', packetId: 2, reasonCode: 0x80 });
    await world.settle();
    client.vanish();
    expect(await said(world, await world.client('d1', lasting(5)))).toEqual([]);
  });

  it('that began a message gets it to its end, expired or not [MQTT5-4.3.3-7]', async () => {
    await using world = new MqttWorld();
    const client = await subscribed(world, 'd1', lasting(5));
    for (let count = 0; count < 2; count += 1) world.server.publish('a', 'x', { qos: 2, expiry: 10_000 });
    await said(world, client);
    client.send({ type: 'pubrec', packetId: 2 });
    await said(world, client);
    client.vanish();
    await world.settle();
    await world.clock.advance(20_000);
    const again = await world.client('d1', lasting(5));
    expect(await said(world, again)).toEqual(['publish 1!', 'pubrel 2']);
  });

  it('whose own message has expired goes on to PUBCOMP [MQTT5-4.3.3-13]', async () => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { protocolLevel: 5, keepAlive: 1200 });
    client.publish('a', 'x', { qos: 2, packetId: 5, properties: { messageExpiryInterval: 1 } });
    expect(await said(world, client)).toEqual(['pubrec 5']);
    await world.clock.advance(5000);
    client.publish('a', 'x', { qos: 2, packetId: 5, dup: true, properties: { messageExpiryInterval: 1 } });
    client.send({ type: 'pubrel', packetId: 5 });
    expect(await said(world, client)).toEqual(['pubrec 5', 'pubcomp 5']);
    expect(world.received).toHaveLength(1);
  });

  it('may use the identifier of a message of QoS 2 that was refused for a new one [MQTT5-4.3.3-9]', async () => {
    await using world = new MqttWorld({ hooks: { mayPublish: (_, topic) => topic !== 'no' } });
    const client = await world.client('d1', { protocolLevel: 5 });
    client.publish('no', 'refused', { qos: 2, packetId: 5 });
    expect(await client.next()).toMatchObject({ type: 'pubrec', packetId: 5, reasonCode: 0x87 });
    client.publish('a', 'new', { qos: 2, packetId: 5 });
    expect(await client.next()).toMatchObject({ type: 'pubrec', packetId: 5, reasonCode: 0 });
    expect(world.received.map(({ payload }) => payload.toString())).toEqual(['new']);
  });

  it('that repeats a message of QoS 2 hears that it was accepted, also where it may not send it any more [MQTT5-4.3.3-10]', async () => {
    let allowed = true;
    await using world = new MqttWorld({ hooks: { mayPublish: () => allowed } });
    const client = await world.client('d1', { protocolLevel: 5 });
    client.publish('a', 'x', { qos: 2, packetId: 5 });
    expect(await client.next()).toMatchObject({ type: 'pubrec', reasonCode: 0 });
    allowed = false;
    client.publish('a', 'x', { qos: 2, packetId: 5, dup: true });
    expect(await client.next()).toMatchObject({ type: 'pubrec', packetId: 5, reasonCode: 0 });
    client.send({ type: 'pubrel', packetId: 5 });
    expect(await client.next()).toMatchObject({ type: 'pubcomp', packetId: 5, reasonCode: 0 });
    expect(world.received).toHaveLength(1);
  });

  it('that comes back with a smaller window gets every PUBREL at once, and PUBLISH as it takes them [MQTT5-3.3.4-9] [MQTT5-3.3.4-10] [MQTT5-4.9.0-1]', async () => {
    await using world = new MqttWorld();
    const client = await subscribed(world, 'd1', lasting(5));
    for (let count = 0; count < 4; count += 1) world.server.publish('a', 'x', { qos: 2 });
    await said(world, client);
    for (const packetId of [2, 4]) client.send({ type: 'pubrec', packetId });
    expect(await said(world, client)).toEqual(['pubrel 2', 'pubrel 4']);
    client.vanish();
    const again = await world.client('d1', lasting(5, 1));
    expect(await said(world, again)).toEqual(['publish 1!', 'pubrel 2', 'pubrel 4']);
    for (const packetId of [2, 4]) again.send({ type: 'pubcomp', packetId });
    expect(await said(world, again)).toEqual([]);
    again.send({ type: 'pubrec', packetId: 1 });
    expect(await said(world, again)).toEqual(['pubrel 1']);
    again.send({ type: 'pubcomp', packetId: 1 });
    expect(await said(world, again)).toEqual(['publish 3!']);
  });
});
