import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { restingWorkers } from './shares.ts';

const awake = (...connections: number[]) =>
  connections.map((count) => ({ connections: count, resting: false }));

describe('a worker with more connections than its share', () => {
  it('rests until the others have caught up', () => {
    expect(restingWorkers(awake(2000, 1000))).toEqual([true, false]);
    const resting = { connections: 2000, resting: true };
    expect(restingWorkers([resting, ...awake(1500)])).toEqual([true, false]);
    expect(restingWorkers([resting, ...awake(1700)])).toEqual([false, false]);
  });

  it('goes on when it has only a few more, or when it is the only one', () => {
    expect(restingWorkers(awake(40, 0))).toEqual([false, false]);
    expect(restingWorkers([{ connections: 5000, resting: true }])).toEqual([false]);
    expect(restingWorkers([])).toEqual([]);
  });

  it('is never the one with the fewest', () => {
    const worker = fc.record({ connections: fc.nat(10_000), resting: fc.boolean() });
    fc.assert(
      fc.property(fc.array(worker, { minLength: 1, maxLength: 64 }), (workers) => {
        const fewest = Math.min(...workers.map(({ connections }) => connections));
        const rests = restingWorkers(workers);
        for (const [index, { connections }] of workers.entries())
          if (connections === fewest) expect(rests[index]).toBe(false);
      }),
    );
  });
});
