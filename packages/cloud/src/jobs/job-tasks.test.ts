import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { JobsWorld } from './jobs-world.fixture.ts';

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
    await world.clock.advance(1000);
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
