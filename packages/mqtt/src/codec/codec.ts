import { malformed } from '../errors.ts';
import { buildAck, parseAck } from './ack.ts';
import { buildConnack, parseConnack } from './connack.ts';
import { buildConnect, parseConnect } from './connect.ts';
import { buildAuth, buildDisconnect, parseAuth, parseDisconnect } from './disconnect.ts';
import type { Packet, ProtocolLevel } from './packets.ts';
import { buildPing, parsePing } from './ping.ts';
import { buildPublish, parsePublish } from './publish.ts';
import { buildSuback, buildUnsuback, parseSuback, parseUnsuback } from './suback.ts';
import { buildSubscribe, parseSubscribe } from './subscribe.ts';
import { buildUnsubscribe, parseUnsubscribe } from './unsubscribe.ts';

/**
 * The packet of a first byte and a body, as `FrameReader` cuts them, in the form of a protocol level; a CONNECT says its
 * level itself. Throws `MQTT_MALFORMED`, `MQTT_PROTOCOL_VIOLATION` or `MQTT_PROTOCOL_LEVEL` and nothing else, whatever
 * the bytes.
 */
export function parsePacket(first: number, body: Buffer, level: ProtocolLevel = 4): Packet {
  const type = first >> 4;
  const flags = first & 15;
  if (type === 3) return parsePublish(flags, body, level);
  const required = type === 6 || type === 8 || type === 10 ? 2 : 0;
  if (flags !== required) throw malformed(`packet type ${type} with flags ${flags}`, 'MQTT-2.2.2-2');
  const parse = type === 15 && level === 4 ? undefined : PARSERS[type];
  if (!parse) throw malformed(`packet type ${type} is reserved`);
  return parse(body, level);
}

const PARSERS: readonly (((body: Buffer, level: ProtocolLevel) => Packet) | undefined)[] = [
  undefined,
  parseConnect,
  parseConnack,
  undefined,
  (body, level) => parseAck('puback', body, level),
  (body, level) => parseAck('pubrec', body, level),
  (body, level) => parseAck('pubrel', body, level),
  (body, level) => parseAck('pubcomp', body, level),
  parseSubscribe,
  parseSuback,
  parseUnsubscribe,
  parseUnsuback,
  (body) => parsePing('pingreq', body),
  (body) => parsePing('pingresp', body),
  parseDisconnect,
  parseAuth,
];

/** The inverse of `parsePacket`, with the fixed header. */
export function buildPacket(packet: Packet, level: ProtocolLevel = 4): Buffer {
  switch (packet.type) {
    case 'connect':
      return buildConnect(packet);
    case 'connack':
      return buildConnack(packet, level);
    case 'publish':
      return buildPublish(packet, level);
    case 'subscribe':
      return buildSubscribe(packet, level);
    case 'suback':
      return buildSuback(packet, level);
    case 'unsubscribe':
      return buildUnsubscribe(packet, level);
    case 'unsuback':
      return buildUnsuback(packet, level);
    case 'pingreq':
    case 'pingresp':
      return buildPing(packet.type);
    case 'disconnect':
      return buildDisconnect(packet);
    case 'auth':
      return buildAuth(packet);
    default:
      return buildAck(packet.type, packet.packetId, packet.reasonCode, packet.properties);
  }
}
