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

  it('let so many wait, and tell the others to come back', async () => {
    const slots = new Slots(1, { mayWait: 1 });
    const leave = await slots.enter('a');
    const second = slots.enter('a');
    await expect(slots.enter('a')).rejects.toMatchObject({ code: 'TOO_MANY_AT_ONCE', status: 429 });
    await slots.enter('b');
    leave();
    await second;
  });

  it('forget whoever does not wait any more', async () => {
    const slots = new Slots(1, { mayWait: 2 });
    const leave = await slots.enter('a');
    const gone = new AbortController();
    const second = slots.enter('a', gone.signal);
    const third = slots.enter('a', new AbortController().signal);
    gone.abort();
    await expect(second).rejects.toMatchObject({ code: 'WAIT_GIVEN_UP' });
    const fourth = slots.enter('a');
    leave();
    (await third)();
    await fourth;
    await expect(slots.enter('c', gone.signal)).rejects.toMatchObject({ code: 'WAIT_GIVEN_UP' });
  });
});
