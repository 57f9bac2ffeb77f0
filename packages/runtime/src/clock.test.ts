import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { expect, test } from 'vitest';
import { isoTime, sleep, systemClock } from './clock.ts';

test('ninety seconds of sleep pass in a virtual moment', async () => {
  const clock = new VirtualClock(Date.UTC(2026, 0, 1));
  let woke = false;
  const sleeping = sleep(clock, 90_000).then(() => {
    woke = true;
  });
  await clock.advance(89_999);
  expect(woke).toBe(false);
  await clock.advance(1);
  await sleeping;
  expect(isoTime(clock)).toBe('2026-01-01T00:01:30.000Z');
});

test('an aborted sleep rejects at once and leaves no timer', async () => {
  const clock = new VirtualClock();
  const abort = new AbortController();
  const sleeping = sleep(clock, 90_000, abort.signal);
  abort.abort(new Error('stop'));
  await expect(sleeping).rejects.toThrow('stop');
  expect(clock.pending).toBe(0);
});

test('a delay too long for a Node timer waits instead of firing at once', async () => {
  let fired = false;
  const cancel = systemClock.after(Number.POSITIVE_INFINITY, () => {
    fired = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  cancel();
  expect(fired).toBe(false);
});
