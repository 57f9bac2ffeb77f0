import { describe, expect, it } from 'vitest';
import { Breath } from './breath.ts';
import { columnsFor } from './event-columns.ts';
import { hitsIn, prepare } from './hits.ts';

/** Counts the looks at the clock, at each of which others may get their turn. */
class CountingBreath extends Breath {
  looks = 0;

  override take(): undefined {
    super.take();
    this.looks += 1;
  }
}

describe('a search through short events', () => {
  it.each([
    ['whose matches are costly, looks at the clock after each', 100_000, 10],
    ['whose matches are cheap, goes on', 10, 0],
  ])('%s', async (_, work, looks) => {
    const columns = columnsFor(10, Buffer.from('0123456789'));
    columns.ends.set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    const breath = new CountingBreath();
    const matcher = prepare({ match: () => true, spent: () => work, mustHave: [], ofJson: false });
    const hits = await hitsIn(columns, { from: 0, to: 1, backward: false, matcher }, breath);
    expect([hits.length, breath.looks]).toEqual([10, looks]);
  });
});
