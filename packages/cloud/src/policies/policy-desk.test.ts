import { isCodedError } from '@ioto/runtime';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DeviceRecords } from '../devices/device-records.ts';
import { DeviceWorld } from '../devices/device-world.fixture.ts';
import { MOST_ATTACHED, MOST_POLICIES, PolicyDesk } from './policy-desk.ts';
import { type PolicyTarget, policyKey } from './policy-item.ts';

let world: DeviceWorld;
let desk: PolicyDesk;
let accountId: string;
let scope: { accountId: string; actor: string };

beforeEach(async () => {
  world = await DeviceWorld.create();
  const { store, audit, clock } = world;
  desk = new PolicyDesk({ records: new DeviceRecords(store), store, audit, clock, region: () => 'local' });
  accountId = await world.account();
  scope = { accountId, actor: 'user:U' };
});
afterEach(() => world[Symbol.asyncDispose]());

const document = (Effect = 'Allow') => ({
  Version: '2012-10-17',
  Statement: { Effect, Action: 'iot:Publish', Resource: 'arn:aws:iot:*:*:topic/app/*' },
});
/** Costs more than a policy may. */
const dear = { ...document(), Statement: { ...document().Statement, Resource: Array(65).fill('*') } };
const elsewhere = {
  Version: '2012-10-17',
  Statement: { Effect: 'Deny', Action: '*', Resource: 'arn:aws:iot:us-east-1:123456789012:topic/*' },
};
const targets = async (name: string) => (await desk.targetsOf(accountId, name)).targets;
const ALL: PolicyTarget = { account: true };

/** Codes of those that failed, and `done` for the others. */
async function outcomes(running: readonly Promise<unknown>[]): Promise<string[]> {
  const settled = await Promise.allSettled(running);
  return settled.map((each) => (each.status === 'fulfilled' ? 'done' : String(each.reason.code)));
}
const outcome = async (running: Promise<unknown>) => (await outcomes([running]))[0];

describe('a policy', () => {
  it('lives from create to remove, and the record of the account tells it', async () => {
    const device = (await world.ownedDevice(accountId)).id;
    const made = await desk.create(scope, { name: 'doors', document: document(), description: 'Doors' });
    expect(made).toMatchObject({ name: 'doors', version: 1, description: 'Doors' });
    await desk.attach(scope, 'doors', { device });
    await desk.attach(scope, 'doors', ALL);
    expect(await targets('doors')).toEqual([ALL, { device }]);
    const changed = await desk.update(scope, 'doors', { document: JSON.stringify(document('Deny')) });
    expect(changed).toMatchObject({
      version: 2,
      description: 'Doors',
      document: { Statement: [{ Effect: 'Deny' }] },
    });
    expect(await outcome(desk.remove(scope, 'doors'))).toBe('POLICY_ATTACHED');
    await desk.detach(scope, 'doors', { device });
    await desk.detach(scope, 'doors', ALL);
    await desk.remove(scope, 'doors');
    expect(await outcome(desk.get(accountId, 'doors'))).toBe('POLICY_UNKNOWN');
    const told = (await world.history(accountId)).filter((action) => action.startsWith('policy.'));
    expect(told).toEqual([
      ...['policy.created', 'policy.attached', 'policy.attached', 'policy.updated'],
      ...['policy.detached', 'policy.detached', 'policy.removed'],
    ]);
  });

  it('is of its account alone', async () => {
    await desk.create(scope, { name: 'doors', document: document() });
    const other = { accountId: await world.account('Other'), actor: 'user:V' };
    for (const running of [
      desk.get(other.accountId, 'doors'),
      desk.update(other, 'doors', { document: document('Deny') }),
      desk.attach(other, 'doors', ALL),
      desk.remove(other, 'doors'),
    ]) {
      expect(await outcome(running)).toBe('POLICY_UNKNOWN');
    }
    expect((await desk.find(other.accountId, {})).items).toEqual([]);
  });

  it.each([
    ['../doors', document(), 'POLICY_NAME_INVALID'],
    ['doors#1', document(), 'POLICY_NAME_INVALID'],
    ['', document(), 'POLICY_NAME_INVALID'],
    ['x'.repeat(129), document(), 'POLICY_NAME_INVALID'],
    ['doors', { Version: '2012-10-17' }, 'POLICY_INVALID'],
    ['doors', 'not JSON', 'POLICY_INVALID'],
    ['doors', document('Perhaps'), 'POLICY_INVALID'],
    ['doors', elsewhere, 'POLICY_INVALID'],
    ['doors', dear, 'POLICY_INVALID'],
  ])('named %j with %j is refused: %s', async (name, wrong, code) => {
    expect(await outcome(desk.create(scope, { name, document: wrong }))).toBe(code);
    expect((await desk.find(accountId, {})).items).toEqual([]);
  });

  it('of the same name is made once, however many make it', async () => {
    const four = Array.from({ length: 4 }, () => desk.create(scope, { name: 'doors', document: document() }));
    expect((await outcomes(four)).sort()).toEqual([
      'POLICY_EXISTS',
      'POLICY_EXISTS',
      'POLICY_EXISTS',
      'done',
    ]);
  });

  it('is not changed by who has read an earlier version', async () => {
    await desk.create(scope, { name: 'doors', document: document() });
    await desk.update(scope, 'doors', { description: 'first', version: 1 });
    expect(await outcome(desk.update(scope, 'doors', { description: 'second', version: 1 }))).toBe(
      'POLICY_CHANGED',
    );
    expect((await desk.get(accountId, 'doors')).description).toBe('first');
  });

  it('counts every update of many at once', async () => {
    await desk.create(scope, { name: 'doors', document: document() });
    const five = Array.from({ length: 5 }, (_, n) => desk.update(scope, 'doors', { description: `${n}` }));
    expect(await outcomes(five)).toEqual(['done', 'done', 'done', 'done', 'done']);
    expect((await desk.get(accountId, 'doors')).version).toBe(6);
  });

  it('that is attached and removed at the same time is either attached or gone', async () => {
    for (let n = 0; n < 20; n += 1) {
      const name = `p${n}`;
      await desk.create(scope, { name, document: document() });
      const [attached, removed] = await outcomes([desk.attach(scope, name, ALL), desk.remove(scope, name)]);
      expect([attached, removed].filter((each) => each === 'done')).toHaveLength(1);
      const there = (await outcome(desk.get(accountId, name))) === 'done';
      expect(await targets(name)).toEqual(there ? [ALL] : []);
      expect(there).toBe(attached === 'done');
      if (there) await desk.detach(scope, name, ALL);
    }
  });
});

describe('an account', () => {
  it(`has no more than ${MOST_POLICIES} policies, and no more than ${MOST_ATTACHED} at one place`, async () => {
    for (let n = 0; n < MOST_POLICIES; n += 1) {
      await desk.create(scope, { name: `p${n}`, document: document() });
    }
    expect(await outcome(desk.create(scope, { name: 'more', document: document() }))).toBe('POLICY_LIMIT');
    for (let n = 0; n < MOST_ATTACHED; n += 1) await desk.attach(scope, `p${n}`, ALL);
    await desk.attach(scope, 'p0', ALL);
    expect(await outcome(desk.attach(scope, 'p99', ALL))).toBe('POLICY_LIMIT');
    await desk.detach(scope, 'p0', ALL);
    await desk.detach(scope, 'p0', ALL);
    await desk.attach(scope, 'p99', ALL);
    expect((await desk.attachedTo(accountId, ALL)).size).toBe(MOST_ATTACHED);
  });

  it('has no more of either when they are made at once', async () => {
    const made = Array.from({ length: MOST_POLICIES + 10 }, (_, n) =>
      desk.create(scope, { name: `p${n}`, document: document() }),
    );
    const said = await outcomes(made);
    expect(said.filter((each) => each === 'done')).toHaveLength(MOST_POLICIES);
    const attached = Array.from({ length: 2 * MOST_ATTACHED }, (_, n) => desk.attach(scope, `p${n}`, ALL));
    expect((await outcomes(attached)).filter((each) => each === 'done')).toHaveLength(MOST_ATTACHED);
    expect((await desk.attachedTo(accountId, ALL)).size).toBe(MOST_ATTACHED);
  });

  it('has no dearer policies at one place than one policy may be, however they come there', async () => {
    const costing = (cost: number) => ({
      ...document(),
      Statement: { ...document().Statement, Resource: Array(cost).fill('*') },
    });
    for (const name of ['one', 'two']) await desk.create(scope, { name, document: costing(30) });
    await desk.create(scope, { name: 'three', document: costing(5) });
    await desk.attach(scope, 'one', ALL);
    await desk.attach(scope, 'two', ALL);
    const refused = await desk.attach(scope, 'three', ALL).catch((error: Error) => error.message);
    expect(refused).toMatch(/every device of the account would cost 65 together and may cost 64/);
    expect(await outcome(desk.update(scope, 'two', { document: costing(35) }))).toBe('POLICY_LIMIT');
    expect(await outcome(desk.update(scope, 'two', { document: costing(34) }))).toBe('done');
    expect(await outcome(desk.update(scope, 'two', { document: costing(29) }))).toBe('done');
    expect(await outcome(desk.attach(scope, 'three', ALL))).toBe('done');
  });

  it('sees what a policy is attached to page by page', async () => {
    await desk.create(scope, { name: 'doors', document: document() });
    const devices: string[] = [];
    for (let n = 0; n < 5; n += 1) {
      const { id } = await world.ownedDevice(accountId);
      devices.push(id);
      await desk.attach(scope, 'doors', { device: id });
    }
    const seen: PolicyTarget[] = [];
    let next: string | undefined;
    do {
      const page = await desk.targetsOf(accountId, 'doors', { limit: 2, next });
      expect(page.targets.length).toBeLessThanOrEqual(2);
      seen.push(...page.targets);
      next = page.next;
    } while (next !== undefined);
    expect(seen).toEqual(devices.sort().map((device) => ({ device })));
  });

  it('is not led out of its policies by a place to go on from that is none', async () => {
    await desk.create(scope, { name: 'doors', document: document() });
    await desk.attach(scope, 'doors', ALL);
    for (const next of ['a', '', 'policy']) {
      expect((await desk.find(accountId, { next })).items.map(({ name }) => name)).toEqual(['doors']);
    }
    expect((await desk.find(accountId, { next: 'z' })).items).toEqual([]);
  });

  it('attaches to its own devices only', async () => {
    await desk.create(scope, { name: 'doors', document: document() });
    const foreign = (await world.ownedDevice(await world.account('Other'))).id;
    for (const device of [foreign, await world.newDevice(), 'JT08FFQXWQ']) {
      expect(await outcome(desk.attach(scope, 'doors', { device }))).toBe('DEVICE_UNKNOWN');
    }
  });

  it('is told to try again when a policy changes under its hands for too long', async () => {
    await desk.create(scope, { name: 'doors', document: document() });
    const { store, audit, clock } = world;
    const busy = new PolicyDesk({
      ...{ records: new DeviceRecords(store), audit, clock, region: () => 'local' },
      store: {
        get: async (pk, sk) => {
          const item = await store.get(pk, sk);
          const { pk: key, sk: sort } = policyKey(accountId, 'doors');
          if (pk === key && sk === sort && item) {
            await store.write([{ put: { ...item, version: Number(item.version) + 1 } }]);
          }
          return item;
        },
        write: (writes) => store.write(writes),
        update: (keys, decide) => store.update(keys, decide),
        query: (pk, options) => store.query(pk, options),
        onChange: (listener) => store.onChange(listener),
      },
    });
    const error = await busy.update(scope, 'doors', { description: 'x' }).catch((thrown: unknown) => thrown);
    expect(isCodedError(error, 'POLICY_CONTENDED')).toBe(true);
  });
});
