import type { UnsubscribePacket } from '../codec/packets.ts';
import { buildUnsuback } from '../codec/suback.ts';
import { mqttError } from '../errors.ts';
import { topicFilterFault } from '../topics/topic-rules.ts';
import type { Client } from './client.ts';
import { unsubscribe } from './session-life.ts';

/** 3.1.1, 3.10: messages that wait for the client still go to it [MQTT-3.10.4-3]; UNSUBACK comes whatever there was [MQTT-3.10.4-5]. */
export function handleUnsubscribe<P>({ connection, session }: Client<P>, packet: UnsubscribePacket): void {
  for (const filter of packet.filters) {
    const fault = topicFilterFault(filter);
    if (fault) throw mqttError('MQTT_PROTOCOL_VIOLATION', `UNSUBSCRIBE: ${fault}`);
    unsubscribe(connection.broker, session, filter);
  }
  connection.send(buildUnsuback({ packetId: packet.packetId }, 4));
}
