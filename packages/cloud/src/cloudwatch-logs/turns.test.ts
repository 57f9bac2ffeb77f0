import { expect, it } from 'vitest';
import { Turns } from './turns.ts';

it('lets one go in each turn of the loop, in the order in which they came', async () => {
  const turns = new Turns();
  let loops = 0;
  let isOver = false;
  const count = () => {
    loops += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const seen = await Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      await turns.next();
      return { name, loops };
    }),
  );
  isOver = true;
  expect(new Set(seen.map((each) => each.loops)).size).toBe(3);
  expect(seen.map(({ name }) => name).sort()).toEqual(['a', 'b', 'c']);
  expect([...seen].sort((a, b) => a.loops - b.loops)).toEqual(seen);
});
