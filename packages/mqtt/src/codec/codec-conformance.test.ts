import { describe, expect, it } from 'vitest';
import { buildPacket, parsePacket } from './codec.ts';
import type { Packet } from './packets.ts';

const hex = (packet: Packet, level: 4 | 5) => buildPacket(packet, level).toString('hex');

describe('what is built', () => {
  it('has the fields of CONNECT in their order [MQTT-3.1.3-1] [MQTT-3.1.3-3] [MQTT5-3.1.3-1] [MQTT5-3.1.3-3]', () => {
    const will = { topic: 'w', payload: Buffer.from('m'), qos: 1 as const, retain: true };
    const connect = {
      ...{ type: 'connect' as const, clientId: 'c', cleanSession: true, keepAlive: 1, will },
      ...{ username: 'u', password: Buffer.from('p') },
    };
    const header = '00044d515454';
    expect(hex({ ...connect, protocolLevel: 4 }, 4)).toBe(
      `1019${header}04ee0001${'000163'}${'000177'}${'00016d'}${'000175'}${'000170'}`,
    );
    // Each of the two lengths of properties is a zero [MQTT5-2.2.2-1].
    expect(hex({ ...connect, protocolLevel: 5 }, 5)).toBe(
      `101b${header}05ee000100${'000163'}00${'000177'}${'00016d'}${'000175'}${'000170'}`,
    );
  });

  it('of QoS 0 has no packet identifier [MQTT-2.3.1-5] [MQTT5-2.2.1-2]', () => {
    const publish = {
      type: 'publish' as const,
      topic: 'a',
      payload: Buffer.from('x'),
      dup: false,
      retain: false,
    };
    expect(hex({ ...publish, qos: 0, packetId: 7 }, 4)).toBe('300400016178');
    expect(hex({ ...publish, qos: 1, packetId: 7 }, 4)).toBe('3206000161000778');
    expect(hex({ ...publish, qos: 0, packetId: 7 }, 5)).toBe('30050001610078');
  });

  it('says with a zero that there are no properties [MQTT5-2.2.2-1]', () => {
    expect(hex({ type: 'connack', sessionPresent: false, returnCode: 0 }, 5)).toBe('2003000000');
    expect(hex({ type: 'suback', packetId: 1, returnCodes: [2] }, 5)).toBe('900400010002');
    expect(hex({ type: 'unsuback', packetId: 1, reasonCodes: [0x11] }, 5)).toBe('b00400010011');
  });

  it('has reserved flags as they must be [MQTT-2.2.2-1] [MQTT5-2.1.3-1] [MQTT5-3.2.2-1]', () => {
    const firsts: [Packet, number][] = [
      [{ type: 'connack', sessionPresent: true, returnCode: 0 }, 0x20],
      [{ type: 'puback', packetId: 1 }, 0x40],
      [{ type: 'pubrec', packetId: 1 }, 0x50],
      [{ type: 'pubrel', packetId: 1 }, 0x62],
      [{ type: 'pubcomp', packetId: 1 }, 0x70],
      [{ type: 'suback', packetId: 1, returnCodes: [0] }, 0x90],
      [{ type: 'unsuback', packetId: 1, reasonCodes: [0] }, 0xb0],
      [{ type: 'pingresp' }, 0xd0],
      [{ type: 'disconnect' }, 0xe0],
    ];
    for (const [packet, first] of firsts) {
      for (const level of [4, 5] as const) expect(buildPacket(packet, level)[0]).toBe(first);
    }
    expect(buildPacket({ type: 'connack', sessionPresent: true, returnCode: 0 }, 4)[2]).toBe(1);
    expect(() => parsePacket(0x20, Buffer.from([2, 0]), 4)).toThrow(/reserved flags/);
  });

  it('has lengths in as few bytes as they need [MQTT5-1.5.5-1]', () => {
    const sizes = [0, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152];
    const lengths = sizes.map((size) => {
      const packet = { type: 'publish' as const, topic: '', payload: Buffer.alloc(size - Math.min(size, 2)) };
      const built = buildPacket({ ...packet, qos: 0, dup: false, retain: false, packetId: 0 }, 4);
      return built.length - 1 - Math.max(size, 2);
    });
    expect(lengths).toEqual([1, 1, 2, 2, 3, 3, 4]);
  });
});

it.each([
  ['a client ID', [0, 3, 0xef, 0xbb, 0xbf]],
  ['a byte order mark within', [0, 5, 0x61, 0xef, 0xbb, 0xbf, 0x62]],
])('%s keeps U+FEFF [MQTT5-1.5.4-3]', (_, clientId) => {
  const body = Buffer.from([0, 4, ...Buffer.from('MQTT'), 5, 2, 0, 0, 0, ...clientId]);
  const packet = parsePacket(0x10, body, 5);
  expect(packet).toMatchObject({ clientId: Buffer.from(clientId.slice(2)).toString('utf8') });
  expect(buildPacket(packet, 5).subarray(2)).toEqual(body);
});
