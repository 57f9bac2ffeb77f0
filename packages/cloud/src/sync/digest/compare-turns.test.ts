import { settle, VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { CompareTurns } from './compare-turns.ts';

const never = () => new Promise<never>(() => undefined);

describe('devices that ask without taking the answers', () => {
  it('keep nobody else from comparing, and are told to come later', async () => {
    const turns = new CompareTurns({ clock: new VirtualClock() });
    const answers: unknown[] = [];
    for (const hostile of ['A', 'B', 'C', 'D']) {
      for (let n = 0; n < 60; n += 1) {
        void turns.take(hostile, never, { isSlow: true }).then((answer) => answers.push(answer));
      }
    }
    await settle();
    expect(await turns.take('honest', async () => 'compared')).toBe('compared');
    expect(await turns.take('honest', async () => 'fetched', { isSlow: true })).toBe('fetched');
    // Four of each were let in, of which one is under way.
    expect(answers).toEqual(Array(4 * 56).fill({ retryAfter: 10 }));
  });
});
