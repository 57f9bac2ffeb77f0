import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message } from '../session/message.ts';
import { type RetainedLimits, RetainedMessages } from './retained-messages.ts';
import { matchesTopic } from './topic-match.ts';

function message(topic: string, payload: string): Message {
  return { topic, payload: Buffer.from(payload), qos: 1, retain: false };
}

function bounds(messages: number, bytes: number, ofOwner = [messages, bytes]): RetainedLimits {
  const [maxRetainedMessagesOfOwner = 0, maxRetainedBytesOfOwner = 0] = ofOwner;
  return {
    maxRetainedMessages: messages,
    maxRetainedBytes: bytes,
    maxRetainedMessagesOfOwner,
    maxRetainedBytesOfOwner,
  };
}

function found(retained: RetainedMessages, filter: string, now: number): Message[] {
  return [...retained.matching(filter, now)].filter((each) => each !== undefined);
}

it('keeps the last message of each topic, and none after an empty one [MQTT-3.3.1-10]', () => {
  const retained = new RetainedMessages(bounds(10, 1000));
  retained.keep(message('a/1', 'x'));
  retained.keep(message('a/1', 'y'));
  retained.keep(message('a/2', 'z'));
  expect(found(retained, 'a/+', 0).map(({ payload }) => payload.toString())).toEqual(['y', 'z']);
  expect(found(retained, 'a/1', 0)).toHaveLength(1);
  retained.keep(message('a/1', ''));
  expect(found(retained, 'a/1', 0)).toHaveLength(0);
  expect(retained.size).toBe(1);
});

it('refuses a topic too many and a byte too many, by the name of the limit, and still replaces', () => {
  const retained = new RetainedMessages(bounds(2, 10));
  expect(retained.keep(message('a', 'xx'))).toBeUndefined();
  expect(retained.keep(message('b', 'xx'))).toBeUndefined();
  expect(retained.keep(message('c', 'x'))).toBe('maxRetainedMessages');
  expect(retained.keep(message('a', 'xxxxxxx'))).toBe('maxRetainedBytes');
  expect(retained.keep(message('a', 'xxxxxx'))).toBeUndefined();
});

it('finds exactly the topics that a filter matches one by one, after any changes', () => {
  const level = fc.constantFrom('a', 'b', '', '$s');
  const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map((levels) => levels.join('/'));
  const filter = fc
    .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([levels, hash]) => [...levels, ...(hash ? ['#'] : [])].join('/'));
  const steps = fc.array(fc.record({ topic, text: fc.constantFrom('', 'x') }), { maxLength: 40 });
  fc.assert(
    fc.property(steps, filter, (list, wanted) => {
      const retained = new RetainedMessages(bounds(1000, 100_000));
      const held = new Set<string>();
      for (const { topic: each, text } of list) {
        retained.keep(message(each, text));
        if (text) held.add(each);
        else held.delete(each);
      }
      const topics = found(retained, wanted, 0).map((each) => each.topic);
      expect(topics.sort()).toEqual([...held].filter((each) => matchesTopic(wanted, each)).sort());
      expect(retained.size).toBe(held.size);
    }),
    { numRuns: 500 },
  );
});

it('forgets what has expired [MQTT5-3.3.2-5]', () => {
  const retained = new RetainedMessages(bounds(10, 1000));
  retained.keep({ ...message('a', 'x'), expiresAt: 1000 });
  expect(found(retained, '#', 999)).toHaveLength(1);
  expect(found(retained, '#', 1000)).toHaveLength(0);
  expect(retained.size).toBe(0);
});

it('answers an exact filter and a narrow wildcard within a millisecond at 100,000 topics', () => {
  const retained = new RetainedMessages(bounds(200_000, 100_000_000));
  for (let index = 0; index < 100_000; index += 1) {
    retained.keep(message(`site/${index % 1000}/device/${index}/state`, 'x'));
  }
  for (const filter of ['site/7/device/7007/state', 'site/7/device/7007/#', 'site/7/+/7007/+']) {
    let best = Number.POSITIVE_INFINITY;
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const started = performance.now();
      expect(found(retained, filter, 0)).toHaveLength(1);
      best = Math.min(best, performance.now() - started);
    }
    expect(best).toBeLessThan(1);
  }
  expect(found(retained, 'site/7/#', 0)).toHaveLength(100);
});

describe('with an owner of each topic', () => {
  const ownerOf = (topic: string) => (topic.startsWith('-') ? undefined : topic.split('/')[0]);

  it('refuses what is too much of one owner by the name of its limit, and takes the same of another', () => {
    const retained = new RetainedMessages(bounds(10, 1000, [2, 20]), ownerOf);
    for (const topic of ['a/1', 'a/2', 'b/1', '-/1', '-/2', '-/3']) {
      expect(retained.keep(message(topic, 'x'))).toBeUndefined();
    }
    expect(retained.keep(message('a/3', 'x'))).toBe('maxRetainedMessagesOfOwner');
    expect(retained.keep(message('b/2', 'x'.repeat(15)))).toBe('maxRetainedBytesOfOwner');
    expect(retained.keep(message('a/2', 'y'))).toBeUndefined();
    retained.keep(message('a/1', ''));
    expect(retained.keep(message('a/3', 'x'))).toBeUndefined();
  });

  it('gives everything back that was forgotten, replaced or refused', () => {
    const step = fc.record({
      topic: fc.constantFrom('a/1', 'a/2', 'a/3', 'b/1', '-/1'),
      size: fc.constantFrom(0, 1, 5, 50),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const retained = new RetainedMessages(bounds(4, 90, [2, 60]), ownerOf);
        for (const { topic, size } of steps) retained.keep(message(topic, 'x'.repeat(size)));
        for (const { topic } of [...retained.all()]) retained.forget(topic);
        // Only a store without a trace of the past has room for the fullest load.
        for (const topic of ['a/1', 'a/2', 'b/1', 'b/2']) {
          expect(retained.keep(message(topic, 'x'.repeat(19)))).toBeUndefined();
        }
        expect(retained.keep(message('a/1', 'x'.repeat(40)))).toBe('maxRetainedBytesOfOwner');
      }),
    );
  });
});
