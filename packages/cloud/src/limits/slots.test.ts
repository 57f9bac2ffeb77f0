import { settle } from '@ioto/testkit/virtual-clock';
import { describe, expect, it } from 'vitest';
import { Slots } from './slots.ts';

describe('slots', () => {
  it('let so many in at once, and the next when one leaves', async () => {
    const slots = new Slots(2);
    const [first] = [await slots.enter('a'), await slots.enter('a')];
    await slots.enter('b');
    const entered: string[] = [];
    void slots.enter('a').then(() => entered.push('third'));
    void slots.enter('a').then(() => entered.push('fourth'));
    await settle();
    expect(entered).toEqual([]);
    first();
    first();
    await settle();
    expect(entered).toEqual(['third']);
  });
});
