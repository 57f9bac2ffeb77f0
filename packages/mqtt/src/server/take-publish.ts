import type { Qos } from '../codec/packets.ts';
import { mqttError } from '../errors.ts';
import type { Message, MessageProperties } from '../session/message.ts';
import { isReserved } from '../topics/topic-rules.ts';
import type { Broker } from './broker.ts';
import { publishObjection } from './may-publish.ts';
import { payloadFault, payloadFormatInvalid } from './payload-format.ts';
import { retain, route } from './routing.ts';
import { checkTopicName } from './topic-limits.ts';

/** A message that came by another way than MQTT. */
export interface TakenPublish {
  topic: string;
  payload: Buffer;
  qos: Qos;
  retain: boolean;
  properties?: MessageProperties;
  /** Milliseconds after which the message is not delivered any more. */
  expiry?: number;
}

/**
 * Takes a message as if a client of this principal had published it: the same rights and limits, the same hook, the same
 * subscribers. Resolves when the hook has.
 *
 * @throws MQTT_PROTOCOL_VIOLATION for a topic that is none, MQTT_LIMIT_EXCEEDED, MQTT_FORBIDDEN; what the hook rejects with.
 */
export async function takePublish<P>(broker: Broker<P>, principal: P, publish: TakenPublish): Promise<void> {
  const { topic, payload, qos, properties, expiry } = publish;
  const { hooks, limits, clock } = broker;
  checkTopicName(broker, topic, 'PUBLISH');
  if (payload.length > limits.maxPayloadSize) {
    const message = `PUBLISH to ${topic}: ${payload.length} bytes of payload; maxPayloadSize is ${limits.maxPayloadSize}`;
    throw mqttError('MQTT_LIMIT_EXCEEDED', message, { details: { limit: 'maxPayloadSize' } });
  }
  const fault = properties && payloadFault(payload, properties);
  if (fault) throw payloadFormatInvalid(`PUBLISH to ${topic}: ${fault}`);
  const objection = publishObjection(hooks, principal, publish);
  if (objection !== undefined) throw mqttError('MQTT_FORBIDDEN', `the client may not ${objection}`);
  broker.counters.publishesReceived += 1;
  await hooks.received(principal, { topic, payload, qos, dup: false, retain: publish.retain, properties });
  const expiresAt = expiry === undefined ? undefined : clock.now() + expiry;
  const message: Message = { topic, payload, qos, retain: publish.retain, properties, expiresAt };
  const limit = message.retain ? retain(broker, message) : undefined;
  if (!isReserved(topic)) route(broker, message);
  if (limit) {
    const text = `delivered, but not retained: beyond ${limit}, which is ${limits[limit]}`;
    throw mqttError('MQTT_LIMIT_EXCEEDED', text, { details: { limit } });
  }
}
