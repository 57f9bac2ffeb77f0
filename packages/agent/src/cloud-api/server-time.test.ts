import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { ServerTime } from './server-time.ts';

const HOUR = 3_600_000;

describe('a device whose clock is off', () => {
  it("goes by the cloud's, and says once by how much", () => {
    const clock = new VirtualClock();
    const told: number[] = [];
    const time = new ServerTime(clock, (difference) => told.push(difference));
    const observe = (difference: number) =>
      time.observe(new Date(Math.round(clock.now() / 1000) * 1000 + difference).toUTCString());
    observe(0);
    observe(20_000);
    expect(told).toEqual([]);
    observe(HOUR);
    observe(HOUR + 2000);
    expect(Math.abs(time.now() - clock.now() - HOUR)).toBeLessThan(3000);
    expect(told).toHaveLength(1);
    expect(Math.abs((told[0] as number) - HOUR)).toBeLessThan(1000);
    // Somebody has set it.
    observe(0);
    expect(told).toEqual([told[0], 0]);
    expect(time.now()).toBe(clock.now());
  });
});
