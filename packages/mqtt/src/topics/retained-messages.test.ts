import { expect, it } from 'vitest';
import type { Message } from '../session/message.ts';
import { RetainedMessages } from './retained-messages.ts';

function message(topic: string, payload: string): Message {
  return { topic, payload: Buffer.from(payload), qos: 1, retain: false };
}

it('keeps the last message of each topic, and none after an empty one [MQTT-3.3.1-10]', () => {
  const retained = new RetainedMessages(10, 1000);
  retained.keep(message('a/1', 'x'));
  retained.keep(message('a/1', 'y'));
  retained.keep(message('a/2', 'z'));
  expect([...retained.matching('a/+')].map(({ payload }) => payload.toString())).toEqual(['y', 'z']);
  expect([...retained.matching('a/1')]).toHaveLength(1);
  retained.keep(message('a/1', ''));
  expect([...retained.matching('a/1')]).toHaveLength(0);
  expect(retained.size).toBe(1);
});

it('refuses a topic too many and a byte too many, by the name of the limit, and still replaces', () => {
  const retained = new RetainedMessages(2, 10);
  expect(retained.keep(message('a', 'xx'))).toBeUndefined();
  expect(retained.keep(message('b', 'xx'))).toBeUndefined();
  expect(retained.keep(message('c', 'x'))).toBe('maxRetainedMessages');
  expect(retained.keep(message('a', 'xxxxxxx'))).toBe('maxRetainedBytes');
  expect(retained.keep(message('a', 'xxxxxx'))).toBeUndefined();
});
