import { isCodedError } from '@ioto/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyPacket } from '../../test/arbitrary-packets.ts';
import { buildPacket, parsePacket } from './codec.ts';
import { buildLevelRefusal } from './connack.ts';
import { FrameReader } from './frame-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { Packet, ProtocolLevel } from './packets.ts';

function parseAll(bytes: Buffer, level: ProtocolLevel = 4): Packet[] {
  const reader = new FrameReader(Number.POSITIVE_INFINITY, 'none');
  const packets: Packet[] = [];
  reader.push(bytes);
  for (let frame = reader.next(); frame; frame = reader.next()) {
    packets.push(parsePacket(frame.first, frame.body, level));
  }
  return packets;
}

/** The packets of `bytes`, or the code of what was thrown; anything but an error of the catalogue is thrown on. */
function parseOrCode(bytes: Buffer, level: ProtocolLevel = 4): Packet[] | string {
  try {
    return parseAll(bytes, level);
  } catch (error) {
    if (isCodedError(error) && error.code.startsWith('MQTT_')) return error.code;
    throw error;
  }
}

const build = (level: ProtocolLevel) => (packet: Packet) => buildPacket(packet, level);

describe.each([[4 as const], [5 as const]])('parse and build at level %i', (level) => {
  it('are inverses for every packet of the standard', () => {
    fc.assert(
      fc.property(fc.array(anyPacket[level], { maxLength: 4 }), (packets) => {
        expect(parseAll(Buffer.concat(packets.map(build(level))), level)).toEqual(packets);
      }),
      { numRuns: 300 },
    );
  });

  it('any byte string parses, and then builds to what says the same, or fails with an error of the catalogue', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 64 }), (first, array) => {
        const bytes = Buffer.from([first, array.length, ...array]);
        const packets = parseOrCode(bytes, level);
        if (typeof packets === 'string') return;
        // A CONNECT says its level itself.
        const levels = packets.map((packet) => (packet.type === 'connect' ? packet.protocolLevel : level));
        const again = Buffer.concat(packets.map((packet, index) => buildPacket(packet, levels[index])));
        if (level === 4 && levels.every((each) => each === 4)) expect(again).toEqual(bytes);
        expect(parseAll(again, level)).toEqual(packets);
      }),
      { numRuns: 3000 },
    );
  });

  it('any bytes at all parse or fail with an error of the catalogue', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
        parseOrCode(Buffer.from(array), level);
      }),
      { numRuns: 2000 },
    );
  });

  it('a packet with some bytes changed parses or fails with an error of the catalogue', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    fc.assert(
      fc.property(anyPacket[level], damage, (packet, changes) => {
        const bytes = buildPacket(packet, level);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        parseOrCode(bytes, level);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('malformed packets', () => {
  const connect = (...body: number[]) => [0x10, body.length, ...body];
  const name = [0, 4, 0x4d, 0x51, 0x54, 0x54];
  it.each<[string, number[]]>([
    ['reserved packet type 0', [0x00, 0]],
    ['reserved packet type 15', [0xf0, 0]],
    ['SUBSCRIBE with wrong flags [MQTT-3.8.1-1]', [0x80, 6, 0, 1, 0, 1, 0x61, 0]],
    ['PINGREQ with flags [MQTT-2.2.2-2]', [0xc1, 0]],
    ['PINGREQ with a body', [0xc0, 1, 0]],
    ['DISCONNECT with a body', [0xe0, 1, 0]],
    ['PUBLISH with QoS 3 [MQTT-3.3.1-4]', [0x36, 5, 0, 1, 0x61, 0, 1]],
    ['PUBLISH with DUP and QoS 0 [MQTT-3.3.1-2]', [0x38, 3, 0, 1, 0x61]],
    ['PUBLISH whose topic runs past the end', [0x30, 3, 0, 9, 0x61]],
    ['PUBLISH with packet identifier 0 [MQTT-2.3.1-1]', [0x32, 5, 0, 1, 0x61, 0, 0]],
    ['PUBLISH with an overlong UTF-8 topic [MQTT-1.5.3-1]', [0x30, 4, 0, 2, 0xc0, 0xaf]],
    ['PUBLISH with a surrogate in its topic [MQTT-1.5.3-1]', [0x30, 5, 0, 3, 0xed, 0xa0, 0x80]],
    ['PUBLISH with U+0000 in its topic [MQTT-1.5.3-2]', [0x30, 4, 0, 2, 0x61, 0x00]],
    ['PUBACK without an identifier', [0x40, 0]],
    ['SUBSCRIBE without a filter [MQTT-3.8.3-3]', [0x82, 2, 0, 1]],
    ['SUBSCRIBE with requested QoS 3 [MQTT-3.8.3-4]', [0x82, 6, 0, 1, 0, 1, 0x61, 3]],
    ['UNSUBSCRIBE without a filter [MQTT-3.10.3-2]', [0xa2, 2, 0, 1]],
    [
      'CONNECT with another protocol name [MQTT-3.1.2-1]',
      connect(0, 4, 0x48, 0x54, 0x54, 0x50, 4, 2, 0, 0, 0, 0),
    ],
    ['CONNECT with the reserved flag [MQTT-3.1.2-3]', connect(...name, 4, 3, 0, 0, 0, 0)],
    ['CONNECT with will QoS but no will [MQTT-3.1.2-13]', connect(...name, 4, 0x0a, 0, 0, 0, 0)],
    ['CONNECT with will QoS 3 [MQTT-3.1.2-14]', connect(...name, 4, 0x1e, 0, 0, 0, 0, 0, 1, 0x61, 0, 0)],
    ['CONNECT with a password alone [MQTT-3.1.2-22]', connect(...name, 4, 0x42, 0, 0, 0, 0, 0, 0)],
    ['CONNECT that is longer than its fields', connect(...name, 4, 2, 0, 0, 0, 0, 7)],
    ['a remaining length of five bytes', [0x30, 0x80, 0x80, 0x80, 0x80, 1]],
  ])('%s', (_, bytes) => {
    expect(parseOrCode(Buffer.from(bytes))).toBe('MQTT_MALFORMED');
  });

  it('a CONNECT of another version says so, whatever follows its level [MQTT-3.1.2-2]', () => {
    expect(parseOrCode(Buffer.from(connect(...name, 6, 2, 0, 0, 0, 0, 0)))).toBe('MQTT_PROTOCOL_LEVEL');
    const old = [0, 6, ...Buffer.from('MQIsdp'), 3, 2, 0, 0, 0, 0];
    expect(parseOrCode(Buffer.from(connect(...old)))).toBe('MQTT_PROTOCOL_LEVEL');
  });

  it('the refusal of a version has the form of that version', () => {
    expect([...buildLevelRefusal(3)]).toEqual([0x20, 2, 0, 1]);
    expect([...buildLevelRefusal(6)]).toEqual([0x20, 3, 0, 0x84, 0]);
  });
});

describe('malformed packets of MQTT 5', () => {
  const name = [0, 4, 0x4d, 0x51, 0x54, 0x54];
  const publish = (...rest: number[]) => [0x30, 3 + rest.length, 0, 1, 0x61, ...rest];
  it.each<[string, number[], string]>([
    ['a property that the packet may not have', publish(5, 0x11, 0, 0, 0, 1), 'MALFORMED'],
    ['a property that does not exist', publish(2, 0x7f, 1), 'MALFORMED'],
    ['properties longer than the packet', publish(9, 0x01, 1), 'MALFORMED'],
    ['a property that is cut short', publish(3, 0x02, 0, 0), 'MALFORMED'],
    ['a length in more bytes than it needs [MQTT5-1.5.5-1]', publish(0x80, 0), 'MALFORMED'],
    ['a property twice', publish(4, 0x01, 1, 0x01, 1), 'PROTOCOL_VIOLATION'],
    ['payload format 2', publish(2, 0x01, 2), 'PROTOCOL_VIOLATION'],
    ['subscription identifier 0', publish(2, 0x0b, 0), 'PROTOCOL_VIOLATION'],
    ['receive maximum 0', [0x10, 16, ...name, 5, 2, 0, 0, 3, 0x21, 0, 0, 0, 0], 'PROTOCOL_VIOLATION'],
    [
      'authentication data without a method',
      [0x10, 17, ...name, 5, 2, 0, 0, 4, 0x16, 0, 1, 7, 0, 0],
      'PROTOCOL_VIOLATION',
    ],
    ['a reason code that PUBACK may not bear', [0x40, 3, 0, 1, 0x04], 'MALFORMED'],
    ['a reason code that AUTH may not bear', [0xf0, 1, 1], 'MALFORMED'],
    [
      'SUBSCRIBE with reserved option bits [MQTT5-3.8.3-5]',
      [0x82, 7, 0, 1, 0, 0, 1, 0x61, 0x40],
      'MALFORMED',
    ],
    ['SUBSCRIBE with retain handling 3', [0x82, 7, 0, 1, 0, 0, 1, 0x61, 0x30], 'PROTOCOL_VIOLATION'],
    [
      'SUBSCRIBE with two subscription identifiers',
      [0x82, 11, 0, 1, 4, 0x0b, 1, 0x0b, 2, 0, 1, 0x61, 0],
      'PROTOCOL_VIOLATION',
    ],
    ['UNSUBACK without a reason code', [0xb0, 3, 0, 1, 0], 'MALFORMED'],
  ])('%s', (_, bytes, code) => {
    expect(parseOrCode(Buffer.from(bytes), 5)).toBe(`MQTT_${code}`);
  });

  it('AUTH does not exist in MQTT 3.1.1', () => {
    expect(parseOrCode(Buffer.from([0xf0, 0]), 4)).toBe('MQTT_MALFORMED');
    expect(parseOrCode(Buffer.from([0xf0, 0]), 5)).toEqual([{ type: 'auth', reasonCode: 0 }]);
  });

  it('a reason code may be left out when it is success (5.0, 3.4.2.1)', () => {
    expect(parseOrCode(Buffer.from([0x40, 2, 0, 7]), 5)).toEqual([
      { type: 'puback', packetId: 7, reasonCode: 0 },
    ]);
    expect(parseOrCode(Buffer.from([0xe0, 0]), 5)).toEqual([{ type: 'disconnect', reasonCode: 0 }]);
  });

  it('a packet full of user properties costs time in proportion to its size', () => {
    const pair = [0x26, 0, 0, 0, 0];
    const count = 100_000;
    const properties = Buffer.concat(Array(count).fill(Buffer.from(pair)));
    const writer = new PacketWriter('publish', 0, 3 + 3 + properties.length).text('a');
    const started = performance.now();
    const [packet] = parseAll(writer.variable(properties.length).raw(properties).bytes, 5);
    expect(packet).toMatchObject({ type: 'publish' });
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

it('a topic keeps a leading byte order mark [MQTT-1.5.3-3]', () => {
  const bytes = Buffer.from([0x30, 6, 0, 4, 0xef, 0xbb, 0xbf, 0x61]);
  expect(parseAll(bytes)).toMatchObject([{ topic: '\ufeffa' }]);
});
