import { describe, expect, it } from 'vitest';
import { WaitingForSubscription, type WaitingMessage } from './waiting-for-subscription.ts';

const told: string[] = [];

function waitingFor(topic: string, text: string): WaitingMessage {
  const message = { topic, payload: Buffer.from(text), qos: 1 as const, retain: false };
  return { message, settle: (outcome) => told.push(`${text} ${outcome}`), cancel: () => undefined };
}

function textsOf(taken: WaitingMessage[]): string[] {
  return taken.map(({ message }) => message.payload.toString());
}

describe('messages that wait for a subscription', () => {
  it('are taken in the order in which they came, whatever their topics, and the others stay', () => {
    const waiting = new WaitingForSubscription();
    for (const [topic, text] of ['a1', 'b2', 'c3', 'a4', 'b5'].map((each) => [each.charAt(0), each]))
      waiting.add(waitingFor(topic ?? '', text ?? ''));
    expect(textsOf(waiting.take((topic) => topic !== 'c'))).toEqual(['a1', 'b2', 'a4', 'b5']);
    expect([waiting.length, waiting.bytes]).toEqual([1, 3]);
    expect(textsOf(waiting.take(() => true))).toEqual(['c3']);
    expect([waiting.length, waiting.bytes]).toEqual([0, 0]);
  });

  it('cost a SUBSCRIBE one question for each topic, however many wait for it', () => {
    const waiting = new WaitingForSubscription();
    for (let index = 0; index < 10_000; index += 1) waiting.add(waitingFor(`t/${index % 3}`, 'x'));
    const asked: string[] = [];
    const never = (topic: string) => {
      asked.push(topic);
      return false;
    };
    expect(waiting.take(never)).toEqual([]);
    expect(asked).toEqual(['t/0', 't/1', 't/2']);
  });

  it('are told `unsubscribed` when their grace ends, and `dropped` with their session', () => {
    told.length = 0;
    const waiting = new WaitingForSubscription();
    const first = waitingFor('a', 'first');
    waiting.add(first);
    waiting.add(waitingFor('a', 'other'));
    waiting.expire(first);
    expect(waiting.length).toBe(1);
    expect(waiting.drop()).toBe(1);
    expect(told).toEqual(['first unsubscribed', 'other dropped']);
    expect([waiting.length, waiting.bytes]).toEqual([0, 0]);
  });
});
