import type { UnsubscribePacket } from '../codec/packets.ts';
import { REASON } from '../codec/reason-codes.ts';
import { buildUnsuback } from '../codec/suback.ts';
import { mqttError } from '../errors.ts';
import { splitShare } from '../session/subscription.ts';
import { shareNameFault, topicFilterFault } from '../topics/topic-rules.ts';
import type { Client } from './client.ts';
import { unsubscribe } from './session-life.ts';
import { slowDown } from './slow-down.ts';
import { tellFilters } from './tell-filters.ts';

/**
 * 3.1.1 and 5.0, 3.10: messages that wait for the client still go to it [MQTT-3.10.4-3]; UNSUBACK comes whatever there was
 * [MQTT-3.10.4-5], in MQTT 5 with a reason code for each filter [MQTT5-3.11.3-1].
 */
export function handleUnsubscribe<P>(client: Client<P>, packet: UnsubscribePacket): void {
  const { connection, session } = client;
  const removed: string[] = [];
  const reasonCodes = packet.filters.map((filter) => {
    const { share, topicFilter } = splitShare(filter);
    const fault = shareNameFault(share) ?? topicFilterFault(topicFilter);
    if (fault) throw mqttError('MQTT_PROTOCOL_VIOLATION', `UNSUBSCRIBE: ${fault}`);
    if (!unsubscribe(connection.broker, session, filter)) return REASON.noSubscriptionExisted;
    removed.push(filter);
    return REASON.success;
  });
  connection.send(buildUnsuback({ packetId: packet.packetId, reasonCodes }, connection.level));
  tellFilters(client, 'unsubscribed', removed);
  slowDown(client, 'maxSubscribeRate');
}
