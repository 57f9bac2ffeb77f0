import { newClaimId } from '@ioto/protocol';
import { until } from '@ioto/testkit/until';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceWorld } from './device-world.fixture.ts';

let world: DeviceWorld;
let accountId: string;
beforeEach(async () => {
  world = await DeviceWorld.create();
  accountId = await world.account();
});
afterEach(async () => {
  for (const component of world.devices.afterFrontDoor) await component.stop();
  await world[Symbol.asyncDispose]();
});

async function startLink(): Promise<void> {
  for (const component of world.devices.afterFrontDoor) await component.start(new AbortController().signal);
}

/** Lets the link ask again and again until something holds. */
function eventually(what: string, holds: () => Promise<boolean>): Promise<unknown> {
  return until(what, async () => {
    await world.clock.advance(1000);
    return holds();
  });
}

const isOwned = async (id: string) => (await world.register(id)).accountId === accountId;
const self = () => ({ account: accountId, cloud: world.cloudId });

describe('a device that asks to be claimed', () => {
  it('is claimed when the account has switched it on for the product', async () => {
    await world.accounts.update(
      accountId,
      { selfClaim: { enabled: true, products: [world.product.id] } },
      'test',
    );
    await startLink();
    const id = await world.newDevice(self());
    await eventually('claimed', () => isOwned(id));
    await eventually('recorded', async () => (await world.history(accountId)).includes('device.claimed'));
  });

  it.each([
    ['it is off', { enabled: false, products: [] as string[] }],
    ['the product is not listed', { enabled: true, products: ['ANOTHER'] }],
  ])('stays unclaimed when %s, and the owner sees the attempt once', async (_why, selfClaim) => {
    await world.accounts.update(accountId, { selfClaim }, 'test');
    await startLink();
    const id = await world.newDevice(self());
    const denied = async () =>
      (await world.history(accountId)).filter((action) => action === 'device.self-claim-denied').length;
    await eventually('denied', async () => (await denied()) > 0);
    await world.clock.advance(300_000);
    expect(await denied()).toBe(1);
    expect(world.logged.join()).toContain(id.slice(0, 4));
    expect(world.logged.join()).not.toContain(id);
    expect(await isOwned(id)).toBe(false);
  });

  it('is claimed later when the owner switches it on', async () => {
    await startLink();
    const id = await world.newDevice(self());
    await world.clock.advance(10_000);
    await world.accounts.update(
      accountId,
      { selfClaim: { enabled: true, products: [world.product.id] } },
      'test',
    );
    await world.clock.advance(60_000);
    await world.register(id, self());
    await eventually('claimed', () => isOwned(id));
  });

  it('is not held up by a thousand that are refused', async () => {
    const other = await world.account('Other');
    await Promise.all(
      Array.from({ length: 1000 }, () => world.newDevice({ account: other, cloud: world.cloudId })),
    );
    await world.accounts.update(
      accountId,
      { selfClaim: { enabled: true, products: [world.product.id] } },
      'test',
    );
    // Behind all of them in the queue, whose order is that of the IDs.
    const id = 'ZZZZZZZZZZ';
    await world.register(id, self());
    await startLink();
    await eventually('claimed', () => isOwned(id));
  });
});

describe('a builder that is down', () => {
  it('at the start is asked again until it is up', async () => {
    world.faults.set('register', 'before');
    world.faults.set('find', 'before');
    await startLink();
    await world.clock.advance(120_000);
    const id = newClaimId();
    world.faults.clear();
    await world.accounts.update(
      accountId,
      { selfClaim: { enabled: true, products: [world.product.id] } },
      'test',
    );
    await world.register(id, self());
    await eventually('claimed', () => isOwned(id));
    expect(world.calls.filter((verb) => verb === 'register').length).toBeGreaterThan(2);
  });
});

describe('a device that was claimed in advance', () => {
  it('shows what it told as soon as it has registered', async () => {
    await startLink();
    const id = newClaimId();
    await world.claim(id, accountId, { pre: true });
    await world.register(id, { name: 'Lamp 9' });
    await eventually(
      'named',
      async () => (await world.devices.directory.get(accountId, id)).name === 'Lamp 9',
    );
  });
});
