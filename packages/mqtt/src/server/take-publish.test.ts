import { describe, expect, it } from 'vitest';
import { type Identity, MqttWorld } from '../../test/mqtt-world.ts';

const identity = (clientId: string) => ({ clientId }) as unknown as Identity;
const message = { topic: 'a/b', payload: Buffer.from('x'), qos: 1, retain: false } as const;

describe('a message that came by another way than MQTT', () => {
  it('reaches the hook and the subscribers, as one of that client', async () => {
    const seen: unknown[] = [];
    const received = async (principal: Identity, { topic }: { topic: string }) =>
      void seen.push([principal, topic]);
    await using site = new MqttWorld({ hooks: { received } });
    const subscriber = await site.subscriber('one', ['a/#']);
    await site.server.take(identity('web'), message);
    expect(seen).toEqual([[identity('web'), 'a/b']]);
    expect(await subscriber.next()).toMatchObject({ type: 'publish', topic: 'a/b' });
  });

  it('is kept where it is to be, with the time', async () => {
    await using site = new MqttWorld();
    await site.server.take(identity('web'), { ...message, retain: true });
    const now = site.clock.now();
    expect(site.server.retained('a/#')).toMatchObject([{ topic: 'a/b', qos: 1, retainedAt: now }]);
    expect(site.server.retained('a/c')).toEqual([]);
    await site.server.take(identity('web'), { ...message, payload: Buffer.alloc(0), retain: true });
    expect(site.server.retained('#')).toEqual([]);
  });

  it.each([
    ['MQTT_PROTOCOL_VIOLATION', { topic: 'a/+' }],
    ['MQTT_LIMIT_EXCEEDED', { topic: 'a/'.repeat(9) }],
    ['MQTT_LIMIT_EXCEEDED', { payload: Buffer.alloc(200_000) }],
    ['MQTT_PROTOCOL_VIOLATION', { payload: Buffer.from([0xff]), properties: { payloadFormatIndicator: 1 } }],
    ['MQTT_FORBIDDEN', { topic: 'closed/b' }],
    ['MQTT_FORBIDDEN', { topic: 'passing/b', retain: true }],
  ])('is refused with %s and goes nowhere', async (code, more) => {
    const hooks = {
      mayPublish: (_: Identity, topic: string) => !topic.startsWith('closed/'),
      mayRetain: (_: Identity, topic: string) => !topic.startsWith('passing/'),
    };
    await using site = new MqttWorld({ hooks });
    const subscriber = await site.subscriber('one', ['#']);
    await expect(site.server.take(identity('web'), { ...message, ...more })).rejects.toMatchObject({ code });
    await site.settle();
    expect(subscriber.inbox).toEqual([]);
  });

  it('that the domain cannot take in reaches nobody', async () => {
    await using site = new MqttWorld({ hooks: { received: () => Promise.reject(new Error('full')) } });
    const subscriber = await site.subscriber('one', ['#']);
    await expect(site.server.take(identity('web'), message)).rejects.toThrow('full');
    await site.settle();
    expect(subscriber.inbox).toEqual([]);
  });
});
