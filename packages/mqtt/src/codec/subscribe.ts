import { malformed, mqttError } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { ProtocolLevel, Qos, SubscribePacket, SubscriptionRequest } from './packets.ts';
import { encodeProperties, readProperties } from './properties.ts';

const NO_LOCAL = 0x04;
const RETAIN_AS_PUBLISHED = 0x08;

/** 3.1.1 and 5.0, 3.8. Whether the filters are valid is for the receiver to check. */
export function parseSubscribe(body: Buffer, level: ProtocolLevel): SubscribePacket {
  const fields = new FieldReader(body, 'SUBSCRIBE');
  const packetId = fields.packetId();
  const properties = level === 5 ? readProperties(fields, 'subscribe') : undefined;
  const subscriptions: SubscriptionRequest[] = [];
  while (fields.left > 0) {
    const filter = fields.text('topic filter');
    const options = fields.byte('options');
    subscriptions.push(level === 5 ? requestOf(filter, options) : { filter, qos: qosOf(options) });
  }
  if (subscriptions.length === 0) throw malformed('SUBSCRIBE without a filter', 'MQTT-3.8.3-3');
  return { type: 'subscribe', packetId, subscriptions, properties };
}

function qosOf(byte: number): Qos {
  if (byte > 2) throw malformed(`SUBSCRIBE with requested QoS byte ${byte}`, 'MQTT-3.8.3-4');
  return byte as Qos;
}

/** 5.0, 3.8.3.1. */
function requestOf(filter: string, options: number): SubscriptionRequest {
  if (options & 0xc0) throw malformed('SUBSCRIBE with reserved option bits', 'MQTT5-3.8.3-5');
  if ((options & 3) === 3) throw mqttError('MQTT_PROTOCOL_VIOLATION', 'SUBSCRIBE with QoS 3');
  const retainHandling = options >> 4;
  if (retainHandling === 3) throw mqttError('MQTT_PROTOCOL_VIOLATION', 'SUBSCRIBE with retain handling 3');
  return {
    filter,
    qos: (options & 3) as Qos,
    noLocal: (options & NO_LOCAL) !== 0,
    retainAsPublished: (options & RETAIN_AS_PUBLISHED) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  };
}

export function buildSubscribe(packet: Omit<SubscribePacket, 'type'>, level: ProtocolLevel): Buffer {
  const { packetId, subscriptions, properties } = packet;
  const encoded = level === 5 ? encodeProperties(properties) : Buffer.alloc(0);
  const filters = subscriptions.reduce((sum, { filter }) => sum + 3 + Buffer.byteLength(filter), 0);
  const writer = new PacketWriter('subscribe', 2, 2 + encoded.length + filters).uint16(packetId).raw(encoded);
  for (const request of subscriptions) {
    writer.text(request.filter).byte(level === 5 ? optionsOf(request) : request.qos);
  }
  return writer.bytes;
}

function optionsOf({ qos, noLocal, retainAsPublished, retainHandling = 0 }: SubscriptionRequest): number {
  return (
    qos | (noLocal ? NO_LOCAL : 0) | (retainAsPublished ? RETAIN_AS_PUBLISHED : 0) | (retainHandling << 4)
  );
}
