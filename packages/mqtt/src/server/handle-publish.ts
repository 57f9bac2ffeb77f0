import { buildAck } from '../codec/ack.ts';
import type { PublishPacket } from '../codec/packets.ts';
import { mqttError } from '../errors.ts';
import { countViolation } from './broker.ts';
import type { Client } from './client.ts';
import { HOLD } from './connection.ts';
import type { ReceivedPublish } from './hooks.ts';
import { retain, route } from './routing.ts';
import { checkTopicName } from './topic-limits.ts';

/**
 * 3.1.1, 3.3. QoS 2 is refused by closing the connection: a PUBLISH that is never answered would leave its client waiting
 * without a word.
 */
export function handlePublish<P>(client: Client<P>, packet: PublishPacket): void {
  const { topic, payload, qos, dup, packetId } = packet;
  if (qos === 2)
    throw mqttError('MQTT_PROTOCOL_VIOLATION', 'PUBLISH with QoS 2, which is not served: use QoS 1');
  check(client, packet);
  const { connection } = client;
  connection.broker.counters.publishesReceived += 1;
  receive(client, { topic, payload, qos, dup, retain: packet.retain }, () => {
    if (qos === 1 && connection.isOpen) connection.send(buildAck('puback', packetId));
  });
  if (client.received.pending >= connection.broker.limits.maxReceiving) {
    connection.hold(HOLD.receiving);
  }
  slowDown(client);
}

function check<P>(client: Client<P>, { topic, payload }: PublishPacket): void {
  const { broker } = client.connection;
  if (topic !== client.checkedTopic) {
    checkTopicName(broker, topic, 'PUBLISH');
    client.checkedTopic = topic;
  }
  const { maxPayloadSize } = broker.limits;
  if (payload.length > maxPayloadSize) {
    const message = `PUBLISH to ${topic}: ${payload.length} bytes of payload; maxPayloadSize is ${maxPayloadSize}`;
    throw mqttError('MQTT_LIMIT_EXCEEDED', message, { details: { limit: 'maxPayloadSize' } });
  }
  if (!broker.hooks.mayPublish(client.principal, topic)) {
    throw mqttError('MQTT_FORBIDDEN', `the client may not publish to ${topic}`);
  }
}

/** Hands a message to the embedder; when that has settled, in order: `acknowledge`, then its subscribers. */
export function receive<P>(client: Client<P>, publish: ReceivedPublish, acknowledge: () => void): void {
  const { broker } = client.connection;
  client.received.add(outcomeOf(client, publish), () => {
    acknowledge();
    const { topic, payload, qos } = publish;
    if (publish.retain) retain(broker, { topic, payload, qos, retain: true });
    route(broker, { topic, payload, qos, retain: false });
  });
}

/** A hook that throws has rejected. */
function outcomeOf<P>({ connection, principal }: Client<P>, publish: ReceivedPublish): Promise<void> | void {
  try {
    return connection.broker.hooks.received(principal, publish);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** A client that publishes too fast is read more slowly. */
function slowDown<P>({ publishRate, connection }: Client<P>): void {
  const { clock, limits } = connection.broker;
  if (limits.maxPublishRate === Number.POSITIVE_INFINITY) return;
  const wait = publishRate.take(clock.now());
  if (wait === 0) return;
  countViolation(connection.broker, 'maxPublishRate');
  connection.hold(HOLD.rate);
  clock.after(wait, () => connection.release(HOLD.rate), { unref: true });
}
