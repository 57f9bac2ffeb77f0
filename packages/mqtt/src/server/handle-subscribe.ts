import type { SubackPacket, SubscribePacket, SubscriptionRequest } from '../codec/packets.ts';
import { buildSuback } from '../codec/suback.ts';
import { mqttError } from '../errors.ts';
import type { Session } from '../session/session.ts';
import { isBasicIngest, topicFilterFault } from '../topics/topic-rules.ts';
import { type Broker, countViolation } from './broker.ts';
import type { Client } from './client.ts';
import type { MqttLimits } from './limits.ts';
import { offer } from './routing.ts';
import { subscribe } from './session-life.ts';
import { topicLimitExceeded } from './topic-limits.ts';

const REFUSED = 0x80;

/**
 * 3.1.1, 3.8: SUBACK first, with a return code for each filter in order [MQTT-3.8.4-5], then what is retained, then what
 * was held for this subscription. QoS 2 is granted as 1, which the standard allows.
 */
export function handleSubscribe<P>(client: Client<P>, { packetId, subscriptions }: SubscribePacket): void {
  const { connection, session } = client;
  const { broker } = connection;
  for (const { filter } of subscriptions) {
    const fault = topicFilterFault(filter);
    if (fault) throw mqttError('MQTT_PROTOCOL_VIOLATION', `SUBSCRIBE: ${fault}`);
  }
  const granted: { filter: string; qos: 0 | 1 }[] = [];
  const returnCodes: SubackPacket['returnCodes'] = subscriptions.map((request, index) => {
    if (!isGranted(client, request, index)) return REFUSED;
    const qos = request.qos === 0 ? 0 : 1;
    subscribe(broker, session, request.filter, qos);
    granted.push({ filter: request.filter, qos });
    return qos;
  });
  connection.send(buildSuback({ packetId, returnCodes }, 4));
  for (const { filter, qos } of granted) sendRetained(broker, session, filter, qos);
  sendWaiting(broker, session);
}

function isGranted<P>(client: Client<P>, { filter }: SubscriptionRequest, index: number): boolean {
  const { connection, session, principal } = client;
  const { broker } = connection;
  const limit = exceeded(broker, session, filter, index);
  if (limit) {
    countViolation(broker, limit);
    return false;
  }
  // Shared subscriptions come with MQTT 5; nobody hears basic ingest but the embedder.
  if (filter.startsWith('$share/') || isBasicIngest(filter)) return false;
  return broker.hooks.maySubscribe(principal, filter);
}

function exceeded<P>(
  broker: Broker<P>,
  { subscriptions }: Session,
  filter: string,
  index: number,
): keyof MqttLimits | undefined {
  if (index >= broker.limits.maxFiltersPerSubscribe) return 'maxFiltersPerSubscribe';
  if (!subscriptions.has(filter) && subscriptions.size >= broker.limits.maxSubscriptions)
    return 'maxSubscriptions';
  return topicLimitExceeded(broker, filter);
}

/** [MQTT-3.3.1-6] [MQTT-3.3.1-8], also for a filter that was subscribed before [MQTT-3.8.4-3]. */
function sendRetained<P>(broker: Broker<P>, session: Session, filter: string, qos: 0 | 1): void {
  for (const message of broker.retained.matching(filter)) offer(broker, session, message, qos);
}

function sendWaiting<P>(broker: Broker<P>, session: Session): void {
  for (const { message, settle } of session.waiting.take(
    (topic) => session.subscribedQos(topic) !== undefined,
  )) {
    const refusal = offer(broker, session, message, session.subscribedQos(message.topic) ?? 0, settle);
    if (refusal) settle(refusal);
  }
}
