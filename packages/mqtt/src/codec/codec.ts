import { malformed } from '../errors.ts';
import { buildAck, parseAck } from './ack.ts';
import { buildBare, parseBare } from './bare.ts';
import { buildConnack, parseConnack } from './connack.ts';
import { buildConnect, parseConnect } from './connect.ts';
import type { Packet } from './packets.ts';
import { buildPublish, parsePublish } from './publish.ts';
import { buildSuback, parseSuback } from './suback.ts';
import { buildSubscribe, parseSubscribe } from './subscribe.ts';
import { buildUnsubscribe, parseUnsubscribe } from './unsubscribe.ts';

/**
 * The packet of a first byte and a body, as `FrameReader` cuts them. Throws `MQTT_MALFORMED` or `MQTT_PROTOCOL_LEVEL` and
 * nothing else, whatever the bytes.
 */
export function parsePacket(first: number, body: Buffer): Packet {
  const type = first >> 4;
  const flags = first & 15;
  if (type === 3) return parsePublish(flags, body);
  const required = type === 6 || type === 8 || type === 10 ? 2 : 0;
  if (flags !== required) throw malformed(`packet type ${type} with flags ${flags}`, 'MQTT-2.2.2-2');
  const parse = PARSERS[type];
  if (!parse) throw malformed(`packet type ${type} is reserved`);
  return parse(body);
}

const PARSERS: readonly (((body: Buffer) => Packet) | undefined)[] = [
  undefined,
  parseConnect,
  parseConnack,
  undefined,
  (body) => parseAck('puback', body),
  (body) => parseAck('pubrec', body),
  (body) => parseAck('pubrel', body),
  (body) => parseAck('pubcomp', body),
  parseSubscribe,
  parseSuback,
  parseUnsubscribe,
  (body) => parseAck('unsuback', body),
  (body) => parseBare('pingreq', body),
  (body) => parseBare('pingresp', body),
  (body) => parseBare('disconnect', body),
];

/** The inverse of `parsePacket`, with the fixed header. */
export function buildPacket(packet: Packet): Buffer {
  switch (packet.type) {
    case 'connect':
      return buildConnect(packet);
    case 'connack':
      return buildConnack(packet);
    case 'publish':
      return buildPublish(packet);
    case 'subscribe':
      return buildSubscribe(packet);
    case 'suback':
      return buildSuback(packet);
    case 'unsubscribe':
      return buildUnsubscribe(packet);
    case 'pingreq':
    case 'pingresp':
    case 'disconnect':
      return buildBare(packet.type);
    default:
      return buildAck(packet.type, packet.packetId);
  }
}
