import { describe, expect, it } from 'vitest';
import { MqttWorld, type WorldOptions } from '../../test/mqtt-world.ts';
import type { ScriptedClient } from '../../test/scripted-client.ts';
import { buildPacket } from '../codec/codec.ts';
import type { ConnectPacket, Packet, PublishPacket } from '../codec/packets.ts';

const ID = 'JT08FFQXWQ';
const MASTER_FILTERS = [`ioto/device/${ID}/#`, 'ioto/account/all/#', 'ioto/account/A/#'];
const DOWN = `ioto/device/${ID}/sync/UPSERT`;

const CONNECT: ConnectPacket = {
  type: 'connect',
  protocolLevel: 4,
  clientId: ID,
  cleanSession: false,
  keepAlive: 1200,
};
const SUBSCRIBE: Packet = {
  type: 'subscribe',
  packetId: 1,
  subscriptions: MASTER_FILTERS.map((filter) => ({ filter, qos: 1 })),
};

function item(packetId: number, seq: number): PublishPacket {
  const payload = Buffer.from(`{"seq":${seq},"changes":[{"cmd":"update","key":"d#${ID}"}]}`);
  const topic = `ioto/service/${ID}/sync`;
  return { type: 'publish', topic, payload, qos: 1, dup: false, retain: false, packetId };
}

/** A server that knows the dialect: one message in flight, each packet in its own write. */
function fieldWorld(hooks: WorldOptions['hooks'] = {}): MqttWorld {
  return new MqttWorld({ hooks: { dialect: () => ({ maxInFlight: 1, writeEachPacket: true }), ...hooks } });
}

/** One that has connected and subscribed as it does at each boot, and has read the answers. */
async function agentIn(world: MqttWorld): Promise<ScriptedClient> {
  const agent = world.open();
  agent.send(CONNECT, SUBSCRIBE);
  await agent.nextOf('connack');
  return agent;
}

/** Reads and acknowledges one message after the other; throws when two come at once. */
async function read(world: MqttWorld, agent: ScriptedClient, count: number): Promise<PublishPacket[]> {
  const seen: PublishPacket[] = [];
  while (seen.length < count) {
    await world.settle();
    const [message, ...others] = agent.inbox.splice(0);
    if (message?.type !== 'publish' || others.length > 0)
      throw new Error(`${message?.type} and ${others.length} more came at once`);
    seen.push(message);
    agent.ack(message.packetId);
  }
  await world.settle();
  expect(agent.inbox).toEqual([]);
  return seen;
}

describe('an Ioto 3.0 agent from the field', () => {
  it('connects with 3.1.1, without clean session, user or will, and may be silent for half an hour', async () => {
    await using world = fieldWorld();
    const agent = await agentIn(world);
    expect(world.connected).toMatchObject([
      { clientId: ID, protocolLevel: 4, cleanSession: false, keepAlive: 1200, sessionExpiry: 3600 },
    ]);
    await world.clock.advance(1_799_000);
    expect(agent.ended).toBe(false);
    await world.clock.advance(1000);
    await agent.end();
    expect(world.disconnected).toMatchObject([{ reason: 'MQTT_KEEP_ALIVE_TIMEOUT' }]);
  });

  it('subscribes its three master filters with QoS 1, and is granted them', async () => {
    await using world = fieldWorld();
    const agent = await agentIn(world);
    expect(await agent.nextOf('suback')).toMatchObject({ packetId: 1, returnCodes: [1, 1, 1] });
    for (const topic of [DOWN, 'ioto/account/all/sync/UPSERT', 'ioto/account/A/sync/UPSERT'])
      expect(world.server.publish(topic, 'x', { qos: 1 })).toBe(1);
  });

  it('publishes before it has SUBACK, or even CONNACK: all is answered in order, a packet in each write', async () => {
    let letIn: () => void = () => undefined;
    const decided = new Promise<void>((resolve) => {
      letIn = resolve;
    });
    await using world = fieldWorld({
      authenticate: async ({ clientId }) => {
        await decided;
        return { accept: true, principal: { clientId } };
      },
      received: () => {
        void world.server.deliver(ID, `ioto/device/${ID}/sync/SYNC`, 'the acknowledgement');
      },
    });
    const agent = world.open();
    agent.sendBytes(
      Buffer.concat([CONNECT, SUBSCRIBE, item(2, 7001), item(3, 7002)].map((each) => buildPacket(each))),
    );
    await world.settle();
    expect(agent.inbox).toEqual([]);
    letIn();
    await world.settle();
    expect(agent.inbox.splice(0).map(({ type }) => type)).toEqual([
      ...['connack', 'suback', 'publish', 'puback', 'puback'],
    ]);
    expect(agent.chunks).toBe(5);
  });

  it('sends its Device item twice, with consecutive numbers: each is handed over and has its own PUBACK', async () => {
    await using world = fieldWorld();
    const agent = await agentIn(world);
    agent.send(item(2, 7001), item(3, 7002));
    await agent.nextOf('suback');
    expect(await agent.nextOf('puback')).toMatchObject({ packetId: 2 });
    expect(await agent.nextOf('puback')).toMatchObject({ packetId: 3 });
    expect(world.received.map(({ payload }) => JSON.parse(payload.toString()).seq)).toEqual([7001, 7002]);
  });

  it('is handed one message at a time, each in its own write, however many wait or are retained', async () => {
    await using world = fieldWorld();
    for (let n = 0; n < 5; n += 1)
      world.server.publish(`ioto/account/all/${n}`, 'x', { qos: 1, retain: true });
    const agent = await agentIn(world);
    for (let n = 0; n < 5; n += 1) void world.server.deliver(ID, DOWN, String(n));
    await agent.nextOf('suback');
    const first = await agent.nextPublish();
    agent.ack(first.packetId);
    await read(world, agent, 9);
    // CONNACK, SUBACK, and ten messages.
    expect(agent.chunks).toBe(12);
    agent.vanish();
    await world.settle();
    for (let n = 0; n < 5; n += 1) void world.server.deliver(ID, DOWN, String(n));
    const back = world.open();
    await back.connect(CONNECT);
    const again = await read(world, back, 5);
    expect(again.map(({ payload }) => payload.toString())).toEqual(['0', '1', '2', '3', '4']);
  });

  it('never says DISCONNECT: it drops the connection after a minute of silence and is back at once, nothing lost', async () => {
    await using world = fieldWorld();
    let agent = await agentIn(world);
    await agent.nextOf('suback');
    const outcomes = ['a', 'b', 'c'].map((text) => world.server.deliver(ID, DOWN, text));
    for (let minute = 0; minute < 3; minute += 1) {
      // It read the message, and went before it acknowledged it.
      expect(await agent.nextPublish()).toMatchObject({ dup: minute > 0, payload: Buffer.from('a') });
      await world.clock.advance(60_000);
      const before = agent;
      agent = world.open();
      // The server may hear of the new connection before it hears of the end of the old one.
      if (minute === 0) before.vanish();
      expect(await agent.connect(CONNECT)).toMatchObject({ returnCode: 0, sessionPresent: true });
      if (minute > 0) await before.end();
    }
    expect((await read(world, agent, 3)).map(({ payload }) => payload.toString())).toEqual(['a', 'b', 'c']);
    expect(await Promise.all(outcomes)).toEqual(['acknowledged', 'acknowledged', 'acknowledged']);
    expect(world.server.counters).toMatchObject({ connections: 1, sessions: 1, messagesDropped: 0 });
    expect(world.received).toEqual([]);
  });

  it('does not acknowledge its release: it comes again at each connect, until its session ends', async () => {
    await using world = fieldWorld();
    const release = `ioto/device/${ID}/provision/release`;
    let agent = await agentIn(world);
    await agent.nextOf('suback');
    const outcome = world.server.deliver(ID, release, '{}');
    expect(await agent.nextPublish()).toMatchObject({ topic: release, dup: false });
    agent.vanish();
    await world.settle();
    agent = world.open();
    await agent.connect(CONNECT);
    expect(await agent.nextPublish()).toMatchObject({ topic: release, dup: true });
    world.server.dropSession(ID);
    await agent.end();
    expect(await outcome).toBe('dropped');
    agent = world.open();
    expect(await agent.connect(CONNECT)).toMatchObject({ sessionPresent: false });
    await world.settle();
    expect(agent.inbox).toEqual([]);
  });
});
