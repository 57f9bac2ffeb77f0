import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FairQueue } from './fair-queue.ts';

const drained = (queue: FairQueue<string>) => {
  const taken: string[] = [];
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) taken.push(item);
  return taken;
};

it('a fair queue serves one of each in turn, whoever has pushed most', () => {
  const queue = new FairQueue<string>();
  for (let n = 0; n < 4; n += 1) queue.push('a', `a${n}`);
  queue.push('b', 'b0');
  expect([queue.size, queue.sizeOf('a'), queue.sizeOf('b'), queue.sizeOf('c')]).toEqual([5, 4, 1, 0]);
  expect(queue.shift()).toBe('a0');
  queue.push('c', 'c0');
  expect(drained(queue)).toEqual(['b0', 'a1', 'c0', 'a2', 'a3']);
  expect([queue.size, queue.sizeOf('a')]).toEqual([0, 0]);
});

it('a fair queue keeps the order of each, and loses nothing', () => {
  const moves = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.nat(200), fc.nat(150)), {
    maxLength: 8,
  });
  fc.assert(
    fc.property(moves, (all) => {
      const queue = new FairQueue<string>();
      const pushed: string[] = [];
      const taken: string[] = [];
      for (const [key, pushes, shifts] of all) {
        for (let n = 0; n < pushes; n += 1) {
          const item = `${key}${pushed.length}`;
          pushed.push(item);
          queue.push(key, item);
        }
        for (let n = 0; n < shifts; n += 1) taken.push(queue.shift() ?? '');
      }
      const found = [...taken.filter((item) => item !== ''), ...drained(queue)];
      for (const key of ['a', 'b', 'c']) {
        const of = (items: string[]) => items.filter((item) => item.startsWith(key));
        expect(of(found)).toEqual(of(pushed));
      }
    }),
    { numRuns: 50 },
  );
});
