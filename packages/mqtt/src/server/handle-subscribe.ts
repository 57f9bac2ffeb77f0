import type { SubscribePacket, SubscriptionRequest } from '../codec/packets.ts';
import { REASON } from '../codec/reason-codes.ts';
import { buildSuback } from '../codec/suback.ts';
import { mqttError } from '../errors.ts';
import type { Session } from '../session/session.ts';
import { type Subscription, splitShare, subscriptionOf } from '../session/subscription.ts';
import { isBasicIngest, shareNameFault, topicFilterFault } from '../topics/topic-rules.ts';
import { type Broker, countViolation } from './broker.ts';
import type { Client } from './client.ts';
import type { MqttLimits } from './limits.ts';
import { offer } from './routing.ts';
import { subscribe } from './session-life.ts';
import { slowDown } from './slow-down.ts';
import { tellFilters } from './tell-filters.ts';
import { topicLimitExceeded } from './topic-limits.ts';

/** The only refusal of 3.1.1. */
const REFUSED = 0x80;

/** Filters whose refusal is explained in one SUBACK. */
const MOST_TOLD = 8;

interface Refusal {
  reasonCode: number;
  /** What a client of MQTT 5 is told. */
  text: string;
}

/**
 * 3.1.1 and 5.0, 3.8: SUBACK first, with a return code for each filter in order [MQTT-3.8.4-5], then what is retained, then
 * what was held for this subscription.
 */
export function handleSubscribe<P>(client: Client<P>, packet: SubscribePacket): void {
  const { connection, session } = client;
  const { broker, level } = connection;
  for (const request of packet.subscriptions) checkRequest(request);
  const identifier = packet.properties?.subscriptionIdentifiers?.[0];
  const retained: Subscription[] = [];
  const granted: string[] = [];
  const texts: string[] = [];
  const returnCodes = packet.subscriptions.map((request, index) => {
    const refusal = refusalOf(client, request, index);
    if (refusal) {
      texts.push(`${request.filter.slice(0, 80)}: ${refusal.text}`);
      return level === 5 ? refusal.reasonCode : REFUSED;
    }
    const subscription = subscriptionOf(request, identifier);
    if (wantsRetained(session, request, subscription)) retained.push(subscription);
    subscribe(broker, session, subscription);
    granted.push(request.filter);
    return request.qos;
  });
  const { packetId } = packet;
  const text = texts.length > 0 ? told(texts) : undefined;
  connection.send(
    client.withReason(text, (properties) => buildSuback({ packetId, returnCodes, properties }, level)),
  );
  tellFilters(client, 'subscribed', granted);
  for (const subscription of retained) client.retainedFeeds.add(subscription);
  sendWaiting(broker, session);
  slowDown(client, 'maxSubscribeRate');
}

/** A packet may have thousands of filters, and a reason string has 65,535 bytes at most (5.0, 1.5.4). */
function told(texts: string[]): string {
  const others = texts.length - MOST_TOLD;
  return texts.slice(0, MOST_TOLD).join('; ') + (others > 0 ? `; and ${others} others` : '');
}

/** What is no filter at all ends the connection. */
function checkRequest({ filter, noLocal }: SubscriptionRequest): void {
  const { share, topicFilter } = splitShare(filter);
  const fault = shareNameFault(share) ?? topicFilterFault(topicFilter);
  if (fault) {
    throw mqttError('MQTT_PROTOCOL_VIOLATION', `SUBSCRIBE: ${fault}`, {
      details: { reasonCode: REASON.topicFilterInvalid },
    });
  }
  if (noLocal && share !== undefined) {
    throw mqttError('MQTT_PROTOCOL_VIOLATION', 'a shared subscription with no local [MQTT5-3.8.3-4]');
  }
}

function refusalOf<P>(
  client: Client<P>,
  { filter }: SubscriptionRequest,
  index: number,
): Refusal | undefined {
  const { connection, session, principal } = client;
  const { broker } = connection;
  const { share, topicFilter } = splitShare(filter);
  const limit = exceeded(broker, session, filter, topicFilter, index);
  if (limit) {
    countViolation(broker, limit, session);
    return { reasonCode: REASON.quotaExceeded, text: `beyond ${limit}, which is ${broker.limits[limit]}` };
  }
  // Nobody hears basic ingest but the embedder.
  if (!isBasicIngest(topicFilter) && broker.hooks.maySubscribe(principal, topicFilter, share))
    return undefined;
  return { reasonCode: REASON.notAuthorized, text: 'the client may not subscribe to it' };
}

function exceeded<P>(
  broker: Broker<P>,
  { subscriptions }: Session,
  filter: string,
  topicFilter: string,
  index: number,
): keyof MqttLimits | undefined {
  if (index >= broker.limits.maxFiltersPerSubscribe) return 'maxFiltersPerSubscribe';
  if (!subscriptions.has(filter) && subscriptions.size >= broker.limits.maxSubscriptions)
    return 'maxSubscriptions';
  return topicLimitExceeded(broker, topicFilter);
}

/**
 * [MQTT-3.3.1-6], also for a filter that was subscribed before [MQTT-3.8.4-3]; in MQTT 5 as its options say [MQTT5-3.3.1-9]
 * [MQTT5-3.3.1-10] [MQTT5-3.3.1-11]. Not for shared subscriptions (5.0, 4.8.2).
 */
function wantsRetained(
  { subscriptions }: Session,
  { filter, retainHandling = 0 }: SubscriptionRequest,
  { share }: Subscription,
): boolean {
  if (share !== undefined || retainHandling === 2) return false;
  return retainHandling === 0 || !subscriptions.has(filter);
}

function sendWaiting<P>(broker: Broker<P>, session: Session): void {
  for (const { message, settle } of session.waiting.take((topic) => session.grantFor(topic) !== undefined)) {
    const grant = session.grantFor(message.topic);
    const refusal = grant && offer(broker, session, message, grant, false, { settle });
    if (refusal) settle(refusal);
  }
}
