import { malformed } from '../errors.ts';
import { FieldReader } from './field-reader.ts';
import { PacketWriter } from './packet-bytes.ts';
import type { Qos, SubscribePacket, SubscriptionRequest } from './packets.ts';

/** 3.1.1, 3.8. Whether the filters are valid is for the receiver to check. */
export function parseSubscribe(body: Buffer): SubscribePacket {
  const fields = new FieldReader(body, 'SUBSCRIBE');
  const packetId = fields.packetId();
  const subscriptions: SubscriptionRequest[] = [];
  while (fields.left > 0) {
    const filter = fields.text('topic filter');
    const qos = fields.byte('requested QoS');
    if (qos > 2) throw malformed(`SUBSCRIBE with requested QoS byte ${qos}`, 'MQTT-3.8.3-4');
    subscriptions.push({ filter, qos: qos as Qos });
  }
  if (subscriptions.length === 0) throw malformed('SUBSCRIBE without a filter', 'MQTT-3.8.3-3');
  return { type: 'subscribe', packetId, subscriptions };
}

export function buildSubscribe({ packetId, subscriptions }: Omit<SubscribePacket, 'type'>): Buffer {
  const body = subscriptions.reduce((sum, { filter }) => sum + 3 + Buffer.byteLength(filter), 2);
  const writer = new PacketWriter('subscribe', 2, body).uint16(packetId);
  for (const { filter, qos } of subscriptions) writer.text(filter).byte(qos);
  return writer.bytes;
}
