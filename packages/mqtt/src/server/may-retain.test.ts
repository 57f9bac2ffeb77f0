import { expect, it } from 'vitest';
import { type Identity, MqttWorld, type WorldOptions } from '../../test/mqtt-world.ts';
import { REASON } from '../codec/reason-codes.ts';

const mayRetain = (_: Identity, topic: string) => topic.startsWith('kept/');
const world = (more: WorldOptions = {}) => new MqttWorld({ hooks: { mayRetain }, ...more });
const message = { payload: Buffer.from('x'), qos: 1, dup: false, retain: true, packetId: 7 } as const;

it('a client that may retain leaves a message for those who come later', async () => {
  await using site = world();
  const publisher = await site.client('publisher');
  publisher.send({ type: 'publish', ...message, topic: 'kept/a' });
  expect(await publisher.next()).toMatchObject({ type: 'puback', packetId: 7 });
  const late = await site.subscriber('late', ['kept/#']);
  expect(await late.next()).toMatchObject({ type: 'publish', topic: 'kept/a', retain: true });
});

it('one that may only publish is closed in 3.1.1 when it asks for more, and nothing is passed on', async () => {
  await using site = world();
  const innocent = await site.subscriber('innocent', ['#']);
  const publisher = await site.client('publisher');
  publisher.send({ type: 'publish', ...message, topic: 'passing/a' });
  await publisher.end();
  expect(site.disconnected[0]).toMatchObject({
    reason: 'FORBIDDEN_ACCESS',
    detail: 'the client may not leave retained messages at passing/a',
  });
  await site.settle();
  expect(innocent.inbox).toEqual([]);
});

it('is told in MQTT 5 and goes on', async () => {
  await using site = world();
  const publisher = await site.client('publisher', { protocolLevel: 5 });
  publisher.send({ type: 'publish', ...message, topic: 'passing/a' });
  expect(await publisher.next()).toMatchObject({ type: 'puback', reasonCode: REASON.notAuthorized });
  publisher.send({ type: 'publish', ...message, retain: false, topic: 'passing/a' });
  expect(await publisher.next()).toMatchObject({ type: 'puback', packetId: 7 });
});

it('is not asked for reserved topics, where nothing is ever retained', async () => {
  await using site = world();
  const publisher = await site.client('publisher');
  publisher.send({ type: 'publish', ...message, topic: '$aws/rules/r/a' });
  expect(await publisher.next()).toMatchObject({ type: 'puback' });
  expect(site.server.counters.retainedMessages).toBe(0);
});

it('decides of a will at CONNECT and again when it is due', async () => {
  let allowed = false;
  await using site = world({ hooks: { mayRetain: () => allowed } });
  const will = { topic: 'kept/will', payload: Buffer.from('gone'), qos: 0, retain: true } as const;
  expect((await site.open().connect({ clientId: 'a', will })).returnCode).toBe(5);
  allowed = true;
  const client = await site.client('b', { will });
  allowed = false;
  client.vanish();
  await site.settle();
  expect(site.server.counters.retainedMessages).toBe(0);
});

it('counts against the owner that the topic names', async () => {
  await using site = world({
    hooks: { retainedOwner: (topic) => topic.split('/')[0] },
    limits: { maxRetainedMessagesOfOwner: 1 },
  });
  const publisher = await site.client('publisher');
  for (const topic of ['a/1', 'a/2', 'b/1']) {
    publisher.send({ type: 'publish', ...message, topic });
    expect(await publisher.next()).toMatchObject({ type: 'puback' });
  }
  expect(site.server.counters.retainedMessages).toBe(2);
  expect(site.server.counters.violations.maxRetainedMessagesOfOwner).toBe(1);
});
