import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { offerOf, UpdateWorld } from './update.fixture.ts';

let world: UpdateWorld;
beforeEach(async () => {
  world = await UpdateWorld.create();
});
afterEach(() => world[Symbol.asyncDispose]());

const unsigned = () => {
  const { signature: _none, ...offer } = offerOf('2.0.0');
  return offer;
};

describe('who asks for an update', () => {
  it.each([
    ['unsigned', unsigned, { version: '2.0.0', code: 'UPDATE_UNSIGNED' }],
    ['forged', () => ({ ...offerOf('2.0.0'), version: '3.0.0' }), { code: 'UPDATE_SIGNATURE' }],
    ['older', () => offerOf('0.9.0'), { version: '0.9.0', code: 'UPDATE_DOWNGRADE' }],
    ['too large', () => offerOf('2.0.0', Buffer.alloc(2000)), { code: 'UPDATE_TOO_LARGE' }],
  ])('is told why one is not taken that is %s', async (_what, offer, why) => {
    world.offer = offer();
    await world.on({ settings: { delay: 3_600_000, maxSize: 1000 } });
    expect(await world.service.check()).toMatchObject({ is: 'ended', outcome: 'failed', ...why });
    // Asked again, it is refused again.
    expect(await world.service.check()).toMatchObject({ is: 'ended', outcome: 'failed', ...why });
  });

  it('is told what is under way, and that there is nothing newer than what runs', async () => {
    world.offer = offerOf('2.0.0');
    world.serving = { stalls: true };
    await world.on();
    expect(await world.service.check()).toEqual({ is: 'under-way', version: '2.0.0' });
    expect(await world.service.check()).toEqual({ is: 'under-way', version: '2.0.0' });
    expect(await world.service.found('2.0.0')).toEqual({ is: 'under-way', version: '2.0.0' });
    world.offer = offerOf('1.0.0');
    expect(await world.service.check()).toEqual({ is: 'none' });
    expect(await world.service.found('2.0.0')).toBeUndefined();
  });

  it('finds how it ended that was begun before the restart, also when the cloud has heard it', async () => {
    world.offer = offerOf('2.0.0');
    await world.on({ script: 'echo restart' });
    await world.until(() => world.restarts.length > 0);
    await world.off();
    await world.on({ script: 'echo restart' });
    const notTaken = { is: 'ended', version: '2.0.0', outcome: 'failed', code: 'UPDATE_NOT_TAKEN' };
    expect(await world.service.found('2.0.0')).toMatchObject(notTaken);
    await world.reported();
    await world.off();
    await world.on();
    expect(await world.service.found('2.0.0')).toMatchObject(notTaken);
  });
});
