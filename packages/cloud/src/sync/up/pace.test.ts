import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { Pace } from './pace.ts';

async function slowCloud(ms: number) {
  const clock = new VirtualClock();
  const pace = new Pace({ clock, random: () => 0.5 });
  for (let n = 0; n < 50; n += 1) {
    const ended = pace.begin();
    await clock.advance(ms);
    ended();
  }
  return { clock, pace };
}

describe('the pace of devices', () => {
  it('is several large batches while commits are quick', async () => {
    const { pace } = await slowCloud(20);
    expect(pace.now()).toEqual({ window: 4, bytes: 122_880 });
  });

  it('is one smaller batch while they are slow, and with a wait when they are too slow', async () => {
    expect((await slowCloud(1000)).pace.now()).toEqual({ window: 1, bytes: 61_440 });
    const { wait, ...rest } = (await slowCloud(3000)).pace.now();
    expect(rest).toEqual({ window: 1, bytes: 30_720 });
    expect(wait).toBeGreaterThan(5000);
    expect(wait).toBeLessThanOrEqual(30_000);
  });

  it('falls with the batches that wait, and comes back when they are done', () => {
    const pace = new Pace({ clock: new VirtualClock() });
    const ends = Array.from({ length: 1000 }, () => pace.begin());
    expect(pace.load).toBe('over');
    for (const ended of ends) ended();
    expect(pace.load).toBe('calm');
  });

  it('comes back when nobody has sent anything for a while', async () => {
    const { clock, pace } = await slowCloud(3000);
    await clock.advance(10_001);
    expect(pace.load).toBe('calm');
  });

  it('is asked of a device that cannot keep it once a minute at most, and only when it must be', async () => {
    expect((await slowCloud(1000)).pace.throttles('D1')).toBe(false);
    const { clock, pace } = await slowCloud(3000);
    pace.begin();
    const asked = () => ['D1', 'D2'].filter((id) => pace.throttles(id));
    expect(asked()).toEqual(['D1', 'D2']);
    await clock.advance(59_999);
    expect(asked()).toEqual([]);
    await clock.advance(1);
    expect(asked()).toEqual(['D1', 'D2']);
  });
});
