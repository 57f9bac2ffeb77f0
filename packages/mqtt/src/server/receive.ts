import type { Clock } from '@ioto/runtime';
import type { PublishPacket } from '../codec/packets.ts';
import type { Message, MessageProperties } from '../session/message.ts';
import { isReserved } from '../topics/topic-rules.ts';
import type { Client } from './client.ts';
import { retain, route } from './routing.ts';

/** What a client published as a message for its subscribers. */
export function messageOfPublish(
  packet: Pick<PublishPacket, 'topic' | 'payload' | 'qos' | 'retain' | 'properties'>,
  publisher: string,
  clock: Clock,
): Message {
  const { topic, payload, qos, retain: retained, properties } = packet;
  if (!properties) return { topic, payload, qos, retain: retained, publisher };
  const { messageExpiryInterval } = properties;
  const expiresAt =
    messageExpiryInterval === undefined ? undefined : clock.now() + messageExpiryInterval * 1000;
  return { topic, payload, qos, retain: retained, publisher, expiresAt, properties: forwarded(properties) };
}

/** [MQTT5-3.3.2-4] [MQTT5-3.3.2-15] [MQTT5-3.3.2-16] [MQTT5-3.3.2-17] [MQTT5-3.3.2-20]. */
function forwarded(properties: NonNullable<PublishPacket['properties']>): MessageProperties | undefined {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = properties;
  const none = [payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties].every(
    (value) => value === undefined,
  );
  if (none) return undefined;
  return { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties };
}

/**
 * Hands a message to the embedder; when that has settled, in order: its subscribers, then `acknowledge`, with what the
 * client should know of a message that was taken. Returns what the embedder returned. What a client publishes on a reserved topic (`$…`) is for the embedder alone: clients of different
 * owners may all publish and subscribe there, and must not hear each other.
 */
export function receive<P>(
  client: Client<P>,
  message: Message,
  dup: boolean,
  acknowledge: (note?: string) => void,
): Promise<void> | void {
  const { broker } = client.connection;
  const outcome = outcomeOf(client, message, dup);
  client.received.add(outcome, () => {
    const limit = message.retain ? retain(broker, message) : undefined;
    if (!isReserved(message.topic)) route(broker, message, client.matchesOf(message.topic));
    acknowledge(limit && `delivered, but not retained: beyond ${limit}, which is ${broker.limits[limit]}`);
  });
  return outcome;
}

/** A hook that throws has rejected. */
function outcomeOf<P>(client: Client<P>, message: Message, dup: boolean): Promise<void> | void {
  const { topic, payload, qos, retain: retained, properties } = message;
  const publish = { topic, payload, qos, dup, retain: retained, properties };
  try {
    return client.connection.broker.hooks.received(client.principal, publish);
  } catch (error) {
    return Promise.reject(error);
  }
}
