import { isReserved } from '../topics/topic-rules.ts';
import type { MqttHooks } from './hooks.ts';

/** What the client may not do with such a message, in words that are safe to show it; undefined where it may. */
export function publishObjection<P>(
  hooks: MqttHooks<P>,
  principal: P,
  { topic, retain }: { topic: string; retain: boolean },
): string | undefined {
  if (!hooks.mayPublish(principal, topic)) return `publish to ${topic}`;
  // Nothing is retained on reserved topics, whatever the flag says.
  if (!retain || isReserved(topic) || hooks.mayRetain?.(principal, topic) !== false) return undefined;
  return `leave retained messages at ${topic}`;
}
