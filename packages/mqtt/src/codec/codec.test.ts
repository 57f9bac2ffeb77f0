import { isCodedError } from '@ioto/runtime';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyPacket } from '../../test/arbitrary-packets.ts';
import { buildPacket, parsePacket } from './codec.ts';
import { buildLevelRefusal } from './connack.ts';
import { FrameReader } from './frame-reader.ts';
import type { Packet } from './packets.ts';

function parseAll(bytes: Buffer): Packet[] {
  const reader = new FrameReader(Number.POSITIVE_INFINITY, 'none');
  const packets: Packet[] = [];
  reader.push(bytes);
  for (let frame = reader.next(); frame; frame = reader.next()) {
    packets.push(parsePacket(frame.first, frame.body));
  }
  return packets;
}

/** The packets of `bytes`, or the code of what was thrown; anything but an error of the catalogue is thrown on. */
function parseOrCode(bytes: Buffer): Packet[] | string {
  try {
    return parseAll(bytes);
  } catch (error) {
    if (isCodedError(error) && error.code.startsWith('MQTT_')) return error.code;
    throw error;
  }
}

describe('parse and build', () => {
  it('are inverses for every packet of the standard', () => {
    fc.assert(
      fc.property(fc.array(anyPacket, { maxLength: 4 }), (packets) => {
        expect(parseAll(Buffer.concat(packets.map(buildPacket)))).toEqual(packets);
      }),
    );
  });

  it('are inverses the other way for every byte string that parses', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 64 }), (first, array) => {
        const bytes = Buffer.from([first, array.length, ...array]);
        const packets = parseOrCode(bytes);
        if (typeof packets !== 'string') expect(Buffer.concat(packets.map(buildPacket))).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it('any byte string parses or fails with an error of the catalogue', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
        parseOrCode(Buffer.from(array));
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
      fc.property(anyPacket, damage, (packet, changes) => {
        const bytes = buildPacket(packet);
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        parseOrCode(bytes);
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
    expect(parseOrCode(Buffer.from(connect(...name, 5, 2, 0, 0, 0, 0, 0)))).toBe('MQTT_PROTOCOL_LEVEL');
    const old = [0, 6, ...Buffer.from('MQIsdp'), 3, 2, 0, 0, 0, 0];
    expect(parseOrCode(Buffer.from(connect(...old)))).toBe('MQTT_PROTOCOL_LEVEL');
  });

  it('the refusal of a version has the form of that version', () => {
    expect([...buildLevelRefusal(3)]).toEqual([0x20, 2, 0, 1]);
    expect([...buildLevelRefusal(5)]).toEqual([0x20, 3, 0, 0x84, 0]);
  });
});

it('a topic keeps a leading byte order mark [MQTT-1.5.3-3]', () => {
  const bytes = Buffer.from([0x30, 6, 0, 4, 0xef, 0xbb, 0xbf, 0x61]);
  expect(parseAll(bytes)).toMatchObject([{ topic: '\ufeffa' }]);
});
