import { type CodedError, isCodedError } from '@ioto/runtime';
import type { PublishPacket } from '../codec/packets.ts';
import { REASON } from '../codec/reason-codes.ts';
import { mqttError } from '../errors.ts';
import { topicNameFault } from '../topics/topic-rules.ts';
import { countViolation } from './broker.ts';
import type { Client } from './client.ts';
import { HOLD } from './connection.ts';
import type { MqttLimits } from './limits.ts';
import { publishObjection } from './may-publish.ts';
import { payloadFault, payloadFormatInvalid } from './payload-format.ts';
import { reasonCodeOf } from './reasons.ts';
import { messageOfPublish, receive } from './receive.ts';
import { slowDown } from './slow-down.ts';
import { checkTopicName } from './topic-limits.ts';

/** 3.1.1 and 5.0, 3.3. */
export function handlePublish<P>(client: Client<P>, packet: PublishPacket): void {
  const { connection, received } = client;
  const { broker } = connection;
  if (packet.properties) resolveAlias(client, packet);
  broker.counters.publishesReceived += 1;
  const refusal = refusalOf(client, packet);
  if (refusal && !isRepeated(client, packet)) refuse(client, packet, refusal);
  else accept(client, packet);
  if (received.pending >= broker.limits.maxReceiving) connection.hold(HOLD.receiving);
  slowDown(client, 'maxPublishRate');
}

/** What was accepted once is not refused when it comes again: a PUBREC that says so would free its identifier [MQTT5-4.3.3-10]. */
function isRepeated<P>({ session }: Client<P>, { qos, packetId }: PublishPacket): boolean {
  return qos === 2 && session.unreleased.has(packetId);
}

function resolveAlias<P>({ aliases }: Client<P>, packet: PublishPacket): void {
  const { topicAlias, subscriptionIdentifiers, responseTopic } = packet.properties ?? {};
  if (subscriptionIdentifiers) {
    throw mqttError('MQTT_PROTOCOL_VIOLATION', 'PUBLISH with a subscription identifier [MQTT5-3.3.4-6]');
  }
  const fault = responseTopic === undefined ? undefined : topicNameFault(responseTopic);
  if (fault) throw mqttError('MQTT_PROTOCOL_VIOLATION', `PUBLISH: response topic: ${fault} [MQTT5-3.3.2-14]`);
  if (topicAlias !== undefined) packet.topic = aliases.resolve(packet.topic, topicAlias);
}

function accept<P>(client: Client<P>, packet: PublishPacket): void {
  const { qos, dup, packetId } = packet;
  if (qos === 2) {
    acceptOnce(client, packet);
    return;
  }
  const message = messageOfPublish(packet, client.session.clientId, client.connection.broker.clock);
  message.topicBytes = client.topicMemory.text === packet.topic ? client.topicMemory.bytes : undefined;
  receive(client, message, dup, (note) => {
    if (qos === 1) client.answer('puback', packetId, REASON.success, note);
  });
}

/**
 * QoS 2 (3.1.1, 4.3.3): a message counts once, from its first PUBLISH until PUBREL, however often it is sent; the
 * identifier is kept with the session [MQTT-4.3.3-2].
 */
function acceptOnce<P>(client: Client<P>, packet: PublishPacket): void {
  const { session, connection, received } = client;
  const { dup, packetId } = packet;
  const { unreleased } = session;
  const answer = (note?: string) => client.answer('pubrec', packetId, REASON.success, note);
  if (unreleased.has(packetId)) {
    received.add(unreleased.get(packetId), answer);
    return;
  }
  const { broker, level } = connection;
  const limit = level === 5 ? 'maxReceiving' : 'maxUnreleased';
  if (unreleased.size >= broker.limits[limit]) {
    const message = `more than ${broker.limits[limit]} messages of QoS 2 that were not released (${limit}) [MQTT5-3.3.4-7]`;
    throw mqttError('MQTT_LIMIT_EXCEEDED', message, {
      details: { limit, reasonCode: REASON.receiveMaximumExceeded },
    });
  }
  unreleased.set(packetId, undefined);
  const outcome = receive(client, messageOfPublish(packet, session.clientId, broker.clock), dup, (note) => {
    if (session.journalled)
      broker.journal?.record({ type: 'received', clientId: session.clientId, packetId });
    answer(note);
  });
  if (!outcome) return;
  unreleased.set(packetId, outcome);
  outcome.then(
    () => {
      if (unreleased.get(packetId) === outcome) unreleased.set(packetId, undefined);
    },
    () => {
      if (unreleased.get(packetId) === outcome) unreleased.delete(packetId);
    },
  );
}

/** Why a PUBLISH is not accepted, where that need not be the end of the connection. Throws what must. */
function refusalOf<P>(client: Client<P>, packet: PublishPacket): CodedError | undefined {
  const { broker } = client.connection;
  const { topic, payload, properties } = packet;
  try {
    if (topic !== client.checkedTopic) {
      checkTopicName(broker, topic, 'PUBLISH');
      client.checkedTopic = topic;
    }
  } catch (error) {
    if (isCodedError(error, 'MQTT_LIMIT_EXCEEDED')) return error;
    throw error;
  }
  const { maxPayloadSize } = broker.limits;
  if (payload.length > maxPayloadSize) {
    const message = `PUBLISH to ${topic}: ${payload.length} bytes of payload; maxPayloadSize is ${maxPayloadSize}`;
    return mqttError('MQTT_LIMIT_EXCEEDED', message, { details: { limit: 'maxPayloadSize' } });
  }
  const fault = properties && payloadFault(payload, properties);
  if (fault) return payloadFormatInvalid(`PUBLISH to ${topic}: ${fault}`);
  const objection = publishObjection(broker.hooks, client.principal, packet);
  return objection === undefined ? undefined : mqttError('MQTT_FORBIDDEN', `the client may not ${objection}`);
}

/** In MQTT 5 the acknowledgement says why [MQTT5-4.3.2-4]; without one, the end of the connection does. */
function refuse<P>(client: Client<P>, { qos, packetId }: PublishPacket, error: CodedError): void {
  const { broker, level } = client.connection;
  if (level === 4 || qos === 0) throw error;
  const limit = error.details?.limit as keyof MqttLimits | undefined;
  if (limit) countViolation(broker, limit, client.session, error.message);
  // Too large a payload is a quota here: PUBACK knows no `packet too large`.
  const code = reasonCodeOf(error) === REASON.packetTooLarge ? REASON.quotaExceeded : reasonCodeOf(error);
  const type = qos === 1 ? 'puback' : 'pubrec';
  client.received.add(undefined, () => client.answer(type, packetId, code, error.message));
}
