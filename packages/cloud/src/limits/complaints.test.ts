import { type Logger, silentLogger } from '@ioto/runtime';
import { VirtualClock } from '@ioto/testkit/virtual-clock';
import { beforeEach, describe, expect, it } from 'vitest';
import { Complaints } from './complaints.ts';

let clock: VirtualClock;
let told: object[];
let complaints: Complaints;
beforeEach(() => {
  clock = new VirtualClock();
  told = [];
  const warn = (facts: object, message: string) => void told.push({ ...facts, message });
  complaints = new Complaints({ clock, logger: { ...silentLogger, warn } as Logger });
});

describe('what is wrong with what a device sends', () => {
  it('is told at once, then once a minute and counted, however often it happens', async () => {
    for (let n = 0; n < 1000; n += 1) complaints.of('A', 'dropped', { why: `bad ${n}` });
    expect(told).toEqual([{ deviceId: 'A', message: 'dropped', why: 'bad 0' }]);
    await clock.advance(60_000);
    expect(told.slice(1)).toEqual([{ deviceId: 'A', message: 'dropped', why: 'bad 999', count: 999 }]);
    await clock.advance(600_000);
    expect(told).toHaveLength(2);
  });

  it('hides neither another fault nor another device', () => {
    complaints.of('A', 'dropped', {});
    complaints.of('A', 'not understood', { count: 3 });
    complaints.of('B', 'dropped', {});
    expect(told).toEqual([
      { deviceId: 'A', message: 'dropped' },
      { deviceId: 'A', message: 'not understood', count: 3 },
      { deviceId: 'B', message: 'dropped' },
    ]);
  });
});
