import { mqttError } from '../errors.ts';
import { countedPart, levelsOf, topicNameFault } from '../topics/topic-rules.ts';
import type { Broker } from './broker.ts';

/** The limit that a topic name or filter exceeds, or undefined. */
export function topicLimitExceeded<P>(
  { limits }: Broker<P>,
  topic: string,
): 'maxTopicLength' | 'maxTopicLevels' | undefined {
  const counted = countedPart(topic);
  if (counted.length > limits.maxTopicLength || Buffer.byteLength(counted) > limits.maxTopicLength) {
    return 'maxTopicLength';
  }
  return levelsOf(counted) > limits.maxTopicLevels ? 'maxTopicLevels' : undefined;
}

/** Throws for a topic name that is none, or that exceeds a limit. `where` names the packet. */
export function checkTopicName<P>(broker: Broker<P>, topic: string, where: string): void {
  const fault = topicNameFault(topic);
  if (fault) throw mqttError('MQTT_PROTOCOL_VIOLATION', `${where}: ${fault}`);
  const limit = topicLimitExceeded(broker, topic);
  if (!limit) return;
  const message = `${where}: a topic name beyond ${limit}, which is ${broker.limits[limit]}`;
  throw mqttError('MQTT_LIMIT_EXCEEDED', message, { details: { limit } });
}
