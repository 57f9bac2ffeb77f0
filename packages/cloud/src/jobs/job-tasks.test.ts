import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { storeError } from '../ports/item-store.ts';
import { ACCOUNT, JobsWorld } from './jobs-world.fixture.ts';

let world: JobsWorld;
beforeEach(async () => {
  world = await JobsWorld.create({ D1: 'lamp', D2: 'lamp', D3: 'door' });
});
afterEach(() => world[Symbol.asyncDispose]());

describe('a device that is released while a job is handed out', () => {
  it('does not get it, also when the account claims the device anew', async () => {
    const { begun, goOn } = world.holdUp();
    const made = world.create({ jobId: 'j' });
    await begun;
    await world.clock.advance(10);
    await Promise.all([world.release('D2'), world.release('D3')]);
    await world.claim('D3');
    goOn();
    expect((await made).counts).toEqual({ QUEUED: 1, REMOVED: 2 });
    expect(await world.statuses('j')).toEqual({ D1: 'QUEUED', D2: 'REMOVED', D3: 'REMOVED' });
    expect(await world.ask('get', {}, 'D3')).toMatchObject({ queuedJobs: [] });
    await world.create({ jobId: 'k' });
    expect(await world.statuses('k')).toEqual({ D1: 'QUEUED', D3: 'QUEUED' });
  });
});

describe('a job that is removed and made anew while the first is handed out', () => {
  it('goes where the second is to go, and nowhere else', async () => {
    const { begun, goOn } = world.holdUp();
    const first = world.create({ jobId: 'j', document: { n: 1 } });
    await begun;
    // Whoever made it need not wait for all of its devices.
    await world.clock.advance(1000);
    expect(await first).toMatchObject({ status: 'IN_PROGRESS', spreading: true, counts: {} });
    await world.remove('j', true);
    const second = world.create({ jobId: 'j', document: { n: 2 }, targets: { devices: ['D2'] } });
    goOn();
    expect(await second).toMatchObject({ counts: { QUEUED: 1 }, document: { n: 2 } });
    await world.restart();
    expect(await world.statuses('j')).toEqual({ D2: 'QUEUED' });
    expect((await world.store.query('jobtask#')).items).toEqual([]);
  });

  it('is left alone by what was begun for the first', async () => {
    const first = await world.create({ jobId: 'j' });
    await world.remove('j', true);
    await world.create({ jobId: 'j' });
    const before = { accountId: ACCOUNT, jobId: 'j', life: first.life };
    await world.tasks.run({ ...before, task: 'cancel', force: true });
    await world.tasks.run({ ...before, task: 'remove' });
    await world.tasks.run({ ...before, task: 'spread' });
    expect(await world.desk.get(ACCOUNT, 'j')).toMatchObject({
      status: 'IN_PROGRESS',
      counts: { QUEUED: 3 },
    });
    expect(Object.values(await world.statuses('j'))).toEqual(['QUEUED', 'QUEUED', 'QUEUED']);
  });
});

describe('a job that the disk refuses to hand out', () => {
  it('is made all the same, and handed out as soon as there is room', async () => {
    let tries = 0;
    const { update } = world.store;
    world.store.update = async () => {
      tries += 1;
      throw storeError('STORE_UNWRITABLE', 'the disk is full');
    };
    expect(await world.create({ jobId: 'j' })).toMatchObject({ status: 'IN_PROGRESS', spreading: true });
    const first = tries;
    expect(first).toBeGreaterThan(0);
    await world.clock.advance(1000);
    await expect.poll(() => tries).toBeGreaterThan(first);
    const second = tries;
    // Less and less often.
    await world.clock.advance(1999);
    expect(tries).toBe(second);
    world.store.update = update;
    await world.clock.advance(1);
    await expect.poll(() => world.desk.get(ACCOUNT, 'j')).toMatchObject({ counts: { QUEUED: 3 } });
    await expect.poll(async () => (await world.store.query('jobtask#')).items).toEqual([]);
  });
});
