import { describe, expect, it } from 'vitest';
import { MqttWorld } from '../../test/mqtt-world.ts';

const text = (value: string) => [0, value.length, ...Buffer.from(value)];
/** Two bytes that are no UTF-8. */
const BROKEN = [0, 2, 0xc0, 0xaf];
const packet = (first: number, ...body: number[]) => [first, body.length, ...body];
const filter = (value: number[], options = 0, properties: number[] = []) =>
  packet(0x82, 0, 1, ...properties, ...value, options);

/** Somebody else, who is still served whatever the client has said. */
async function expectBystanderServed(world: MqttWorld): Promise<void> {
  const other = await world.subscriber('other', ['news']);
  world.server.publish('news', 'still here');
  expect((await other.nextPublish()).payload.toString()).toBe('still here');
}

describe('a client of MQTT 3.1.1 that sends what is no packet is closed without a word', () => {
  it.each<[string, number[]]>([
    ['text that is not UTF-8 [MQTT-1.5.3-1] [MQTT-3.3.2-1]', packet(0x30, ...BROKEN)],
    ['text with a surrogate [MQTT-1.5.3-1]', packet(0x30, 0, 3, 0xed, 0xa0, 0x80)],
    ['text with U+0000 [MQTT-1.5.3-2] [MQTT-4.7.3-2]', filter(text('a\0'))],
    ['flags that are reserved [MQTT-2.2.2-2]', packet(0xc1)],
    ['PUBLISH with packet identifier 0 [MQTT-2.3.1-1]', packet(0x32, ...text('a'), 0, 0)],
    ['PUBLISH with QoS 3 [MQTT-3.3.1-4]', packet(0x36, ...text('a'), 0, 1)],
    ['PUBLISH with QoS 0 and DUP [MQTT-3.3.1-2]', packet(0x38, ...text('a'))],
    ['PUBLISH to a wildcard [MQTT-3.3.2-2] [MQTT-4.7.1-1]', packet(0x30, ...text('a/+'))],
    ['PUBLISH to no topic [MQTT-4.7.3-1]', packet(0x30, ...text(''))],
    ['PUBREL with other flags [MQTT-3.6.1-1]', packet(0x60, 0, 1)],
    ['SUBSCRIBE with other flags [MQTT-3.8.1-1]', [0x80, ...filter(text('a')).slice(1)]],
    ['SUBSCRIBE to what is not UTF-8 [MQTT-3.8.3-1]', filter(BROKEN)],
    ['SUBSCRIBE without a filter [MQTT-3.8.3-3]', packet(0x82, 0, 1)],
    ['SUBSCRIBE with QoS 3 [MQTT-3.8.3-4]', filter(text('a'), 3)],
    ['SUBSCRIBE with a reserved bit [MQTT-3.8.3-4]', filter(text('a'), 4)],
    ['SUBSCRIBE to a level that holds # and more [MQTT-4.7.1-2]', filter(text('a#'))],
    ['SUBSCRIBE with # before the last level [MQTT-4.7.1-2]', filter(text('#/a'))],
    ['SUBSCRIBE to a level that holds + and more [MQTT-4.7.1-3]', filter(text('a/b+'))],
    ['SUBSCRIBE to an empty filter [MQTT-4.7.3-1]', filter(text(''))],
    ['UNSUBSCRIBE with other flags [MQTT-3.10.1-1]', packet(0xa0, 0, 1, ...text('a'))],
    ['UNSUBSCRIBE from what is not UTF-8 [MQTT-3.10.3-1]', packet(0xa2, 0, 1, ...BROKEN)],
    ['UNSUBSCRIBE without a filter [MQTT-3.10.3-2]', packet(0xa2, 0, 1)],
    ['DISCONNECT with flags [MQTT-3.14.1-1]', packet(0xe1)],
  ])('%s', async (_, bytes) => {
    await using world = new MqttWorld();
    const client = await world.client('d1');
    client.sendBytes(bytes);
    await client.end();
    expect(client.inbox).toEqual([]);
    expect([world.received, world.disconnected]).toMatchObject([[], [{ reason: 'CLIENT_ERROR' }]]);
    await expectBystanderServed(world);
  });
});

describe('a client of MQTT 5 that sends what is no packet is told so and closed', () => {
  const publish = (...properties: number[]) => packet(0x30, ...text('a'), properties.length, ...properties);
  it.each<[string, number[], number]>([
    ['text that is not UTF-8 [MQTT5-1.5.4-1] [MQTT5-3.3.2-1]', packet(0x30, ...BROKEN, 0), 0x81],
    ['text with a surrogate [MQTT5-1.5.4-1]', packet(0x30, 0, 3, 0xed, 0xa0, 0x80, 0), 0x81],
    ['text with U+0000 [MQTT5-1.5.4-2] [MQTT5-4.7.3-2]', filter(text('a\0'), 0, [0]), 0x81],
    ['a length in more bytes than it needs [MQTT5-1.5.5-1]', packet(0x30, ...text('a'), 0x80, 0), 0x81],
    ['a user property that is not UTF-8 [MQTT5-1.5.7-1]', publish(0x26, ...text('a'), ...BROKEN), 0x81],
    ['a user property whose name is not UTF-8 [MQTT5-1.5.7-1]', publish(0x26, ...BROKEN, ...text('a')), 0x81],
    ['flags that are reserved [MQTT5-2.1.3-1]', packet(0xc1), 0x81],
    ['PUBLISH with packet identifier 0 [MQTT5-2.2.1-3]', packet(0x32, ...text('a'), 0, 0, 0), 0x81],
    ['PUBLISH with QoS 3 [MQTT5-3.3.1-4]', packet(0x36, ...text('a'), 0, 1, 0), 0x81],
    ['PUBLISH with QoS 0 and DUP [MQTT5-3.3.1-2]', packet(0x38, ...text('a'), 0), 0x81],
    ['PUBLISH to a wildcard [MQTT5-3.3.2-2] [MQTT5-4.7.0-1]', packet(0x30, ...text('a/+'), 0), 0x82],
    ['PUBLISH to no topic [MQTT5-4.7.3-1]', packet(0x30, ...text(''), 0), 0x82],
    ['a response topic that is not UTF-8 [MQTT5-3.3.2-13]', publish(0x08, ...BROKEN), 0x81],
    ['a response topic with a wildcard [MQTT5-3.3.2-14]', publish(0x08, ...text('a/#')), 0x82],
    ['a content type that is not UTF-8 [MQTT5-3.3.2-19]', publish(0x03, ...BROKEN), 0x81],
    ['a subscription identifier [MQTT5-3.3.4-6]', publish(0x0b, 1), 0x82],
    ['PUBACK with a reason of another packet [MQTT5-3.4.2-1]', packet(0x40, 0, 1, 0x11), 0x81],
    ['PUBREC with a reason of another packet [MQTT5-3.5.2-1]', packet(0x50, 0, 1, 0x92), 0x81],
    ['PUBREL with other flags [MQTT5-3.6.1-1]', packet(0x60, 0, 1), 0x81],
    ['PUBREL with a reason of another packet [MQTT5-3.6.2-1]', packet(0x62, 0, 1, 0x80), 0x81],
    ['PUBCOMP with a reason of another packet [MQTT5-3.7.2-1]', packet(0x70, 0, 1, 0x80), 0x81],
    ['SUBSCRIBE with other flags [MQTT5-3.8.1-1]', [0x80, ...filter(text('a'), 0, [0]).slice(1)], 0x81],
    ['SUBSCRIBE to what is not UTF-8 [MQTT5-3.8.3-1]', filter(BROKEN, 0, [0]), 0x81],
    ['SUBSCRIBE without a filter [MQTT5-3.8.3-2]', packet(0x82, 0, 1, 0), 0x81],
    ['SUBSCRIBE with reserved bits [MQTT5-3.8.3-5]', filter(text('a'), 0x40, [0]), 0x81],
    ['SUBSCRIBE to a level that holds # and more [MQTT5-4.7.1-1]', filter(text('a#'), 0, [0]), 0x8f],
    ['SUBSCRIBE with # before the last level [MQTT5-4.7.1-1]', filter(text('#/a'), 0, [0]), 0x8f],
    ['SUBSCRIBE to a level that holds + and more [MQTT5-4.7.1-2]', filter(text('a/b+'), 0, [0]), 0x8f],
    ['SUBSCRIBE to an empty filter [MQTT5-4.7.3-1]', filter(text(''), 0, [0]), 0x8f],
    ['UNSUBSCRIBE with other flags [MQTT5-3.10.1-1]', packet(0xa0, 0, 1, 0, ...text('a')), 0x81],
    ['UNSUBSCRIBE from what is not UTF-8 [MQTT5-3.10.3-1]', packet(0xa2, 0, 1, 0, ...BROKEN), 0x81],
    ['UNSUBSCRIBE without a filter [MQTT5-3.10.3-2]', packet(0xa2, 0, 1, 0), 0x81],
    ['DISCONNECT with flags [MQTT5-3.14.1-1]', packet(0xe1), 0x81],
    ['DISCONNECT with a reason of another packet [MQTT5-3.14.2-1]', packet(0xe0, 0x11), 0x81],
    ['AUTH with flags [MQTT5-3.15.1-1]', packet(0xf1), 0x81],
    ['AUTH with a reason of another packet [MQTT5-3.15.2-1]', packet(0xf0, 0x80), 0x81],
  ])('%s', async (_, bytes, reasonCode) => {
    await using world = new MqttWorld();
    const client = await world.client('d1', { protocolLevel: 5 });
    client.sendBytes(bytes);
    expect(await client.next()).toMatchObject({ type: 'disconnect', reasonCode });
    await client.end();
    expect([client.inbox, world.received]).toEqual([[], []]);
    await expectBystanderServed(world);
  });
});

/** What a CONNECT can have wrong in either version, as its flags and what follows its variable header. */
const WRONG: [string, number, number[]][] = [
  ['the reserved flag', 0x03, text('d')],
  ['will QoS and no will', 0x0a, text('d')],
  ['will retain and no will', 0x22, text('d')],
  ['will QoS 3', 0x1e, [...text('d'), ...text('w'), ...text('')]],
  ['a will flag and no will', 0x06, text('d')],
  ['a will and no will flag', 0x02, [...text('d'), ...text('w'), ...text('')]],
  ['a user name flag and no user name', 0x82, text('d')],
  ['a user name and no user name flag', 0x02, [...text('d'), ...text('u')]],
  ['a password flag and no password', 0xc2, [...text('d'), ...text('u')]],
  ['a password and no password flag', 0x82, [...text('d'), ...text('u'), ...text('p')]],
  ['no client ID', 0x02, []],
  ['a client ID that is not UTF-8', 0x02, BROKEN],
  ['a will topic that is not UTF-8', 0x06, [...text('d'), ...BROKEN, ...text('')]],
  ['a user name that is not UTF-8', 0x82, [...text('d'), ...BROKEN]],
];

const variableHeader = (level: number, flags: number) => [...text('MQTT'), level, flags, 0, 60];

describe('a CONNECT that is none is not answered in MQTT 3.1.1 [MQTT-3.1.4-1]', () => {
  it.each<[string, number, number[]]>([
    ...WRONG,
    ['a password flag and no user name flag', 0x42, [...text('d'), ...text('p')]],
  ])('with %s', async (_, flags, payload) => {
    await using world = new MqttWorld();
    const client = world.open();
    client.sendBytes(packet(0x10, ...variableHeader(4, flags), ...payload));
    await client.end();
    expect([client.inbox, world.connected]).toEqual([[], []]);
    await expectBystanderServed(world);
  });

  it('with another protocol name', async () => {
    await using world = new MqttWorld();
    const client = world.open();
    client.sendBytes(packet(0x10, ...text('HTTP'), 4, 2, 0, 60, ...text('d')));
    await client.end();
    expect([client.inbox, world.connected]).toEqual([[], []]);
  });
});

describe('a CONNECT that is none is refused as malformed in MQTT 5 [MQTT5-3.1.4-1]', () => {
  /** In MQTT 5 a will begins with its properties. */
  const withWillProperties = (flags: number, payload: number[]) =>
    flags & 4 && payload.length > 3 ? [...payload.slice(0, 3), 0, ...payload.slice(3)] : payload;

  it.each(WRONG)('with %s', async (_, flags, payload) => {
    await using world = new MqttWorld();
    const client = world.open();
    client.level = 5;
    client.sendBytes(packet(0x10, ...variableHeader(5, flags), 0, ...withWillProperties(flags, payload)));
    expect(await client.next()).toMatchObject({ type: 'connack', sessionPresent: false, returnCode: 0x81 });
    await client.end();
    expect([client.inbox, world.connected]).toEqual([[], []]);
    await expectBystanderServed(world);
  });
});
