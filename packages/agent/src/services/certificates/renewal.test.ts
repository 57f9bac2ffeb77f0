import { copyFile, readdir } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LIFE, RenewalWorld } from '../../../test/renewal-world.ts';
import { until } from '../../../test/world.ts';

let world: RenewalWorld;
let old: string | undefined;
beforeEach(async () => {
  world = await RenewalWorld.create();
  old = await world.serial();
});
afterEach(() => world[Symbol.asyncDispose]());

async function begin(settings = {}, record = {}): Promise<void> {
  await world[Symbol.asyncDispose]();
  world = await RenewalWorld.create(settings, record);
  old = await world.serial();
}

/** Connected, at two thirds of the certificate's life. */
async function due(): Promise<void> {
  expect(await world.connect()).toBe('connected');
  await world.pass(LIFE * 0.72);
}

const leftovers = async () =>
  (await readdir(world.at('certs'))).filter((name) => /^(next|renewal)/.test(name));
const told = () => world.events.map(([name]) => name);
const codes = () => world.events.map(([, payload]) => (payload as { code?: string }).code);

describe('a device whose certificate nears its end', () => {
  it('asks for another at two thirds of its life, connects with it, and then puts it in its place', async () => {
    await world.connect();
    await world.pass(LIFE * 0.6);
    expect(world.asked).toEqual([]);
    await world.pass(LIFE * 0.12);
    await world.until('certificate:renewed');
    expect(world.asked).toEqual(['$aws/certificates/create-from-csr/json']);
    expect(world.connected).toBe(true);
    expect(world.refuses).toEqual(new Set([old]));
    const serial = await world.serial();
    expect(world.events[0]?.[1]).toMatchObject({
      certificate: { serialNumber: serial },
      replaced: { serialNumber: old },
    });
    expect(Date.parse(world.file.record.expires ?? '')).toBeGreaterThan(world.clock.now() + LIFE);
    expect(await leftovers()).toEqual([]);
    // The next is due by the life of this one.
    await world.pass(LIFE);
    expect(world.asked).toHaveLength(1);
    await world.pass(LIFE * 1.5);
    await world.until('certificate:renewed', 2);
  });

  it('takes a new key where it is to', async () => {
    await begin({ newKey: true });
    await due();
    await world.until('certificate:renewed');
    expect(world.file.record.key).toBe('@certs/device.key');
    expect(await world.serial()).not.toBe(old);
  });

  it('goes on with the old when the new is refused, and asks again after a while', async () => {
    await world.connect();
    world.faults.push('refused');
    await world.pass(LIFE * 0.72);
    await world.until('certificate:renewal-failed');
    await until(() => world.connected);
    expect([await world.serial(), await leftovers()]).toEqual([old, []]);
    expect(world.asked).toHaveLength(1);
    await world.pass(LIFE * 0.1);
    await world.until('certificate:renewed');
    expect(world.asked).toHaveLength(2);
  });

  it('goes on with the old while the endpoint cannot be reached with the new, and proves that later', async () => {
    await world.connect();
    world.faults.push('unreachable');
    await world.pass(LIFE * 0.72);
    await world.until('certificate:renewal-failed');
    await until(() => world.connected);
    expect(await world.serial()).toBe(old);
    await world.pass(LIFE * 0.1);
    await world.until('certificate:renewed');
    expect(world.asked).toHaveLength(1);
  });

  it('keeps the new when the endpoint ends the connection without a word, as it may have voided the old', async () => {
    await world.connect();
    world.faults.push('silent');
    await world.pass(LIFE * 0.72);
    await world.until('certificate:renewed');
    expect(told()).toEqual(['certificate:renewal-failed', 'certificate:renewed']);
    expect([world.asked.length, world.refuses]).toEqual([1, new Set([old])]);
  });

  it('gives the new up that ends without a word again and again while the old connects', async () => {
    await world.connect();
    world.faults.push('unanswered', undefined, 'unanswered', undefined, 'unanswered');
    await world.pass(LIFE * 0.72);
    await world.until('certificate:renewal-failed');
    for (const attempt of [2, 3]) {
      await until(() => world.connected);
      expect(world.asked).toHaveLength(1);
      await world.pass(LIFE * 0.1);
      await world.until('certificate:renewal-failed', attempt);
    }
    await until(() => world.connected);
    await world.pass(LIFE * 0.1);
    await world.until('certificate:renewed');
    expect(world.asked).toHaveLength(2);
  });

  it('finds out that the new was taken when the old is refused', async () => {
    await world.connect();
    // Taken, and the connection was lost before the device got to know.
    world.faults.push('lost');
    await world.pass(LIFE * 0.72);
    await world.until('certificate:renewed');
    expect(told()).toEqual(['certificate:renewal-failed', 'certificate:renewed']);
    expect(world.refuses).toEqual(new Set([old]));
  });

  it.each([
    ['rejects', 'CERTIFICATE_REFUSED'],
    ['is silent', 'CERTIFICATE_TIMEOUT'],
    ['hangs up', 'MQTT_OFFLINE'],
  ] as const)('waits with the old when the cloud %s, and asks again after a while', async (cloud, code) => {
    world.cloud = cloud;
    await due();
    // The next attempt is not before a tenth of what is left.
    await world.clock.advance(60_000);
    await world.until('certificate:renewal-failed');
    // Also on a new connection: an endpoint that hangs up on the question would do so again.
    if (!world.connected) await world.connect();
    expect([codes(), world.asked.length, world.connected]).toEqual([[code], 1, true]);
    world.cloud = 'certifies';
    await world.pass(LIFE * 0.1);
    await world.until('certificate:renewed');
  });

  it('has what it asked for dropped when another is provisioned meanwhile', async () => {
    await world.connect();
    world.faults.push('unreachable');
    await world.pass(LIFE * 0.72);
    await world.until('certificate:renewal-failed');
    await world.file.saveProvisioning(world.file.record, { certificate: await world.certify() });
    const provisioned = await world.serial();
    await world.restart();
    expect([await leftovers(), await world.serial()]).toEqual([[], provisioned]);
  });

  it('asks a cloud of others only where a template is named, and has that activate it', async () => {
    const foreign = { sync: undefined };
    await begin({}, foreign);
    await due();
    await begin({ template: 'fleet' }, foreign);
    await due();
    await world.until('certificate:renewed');
    expect(world.asked).toEqual([
      '$aws/certificates/create-from-csr/json',
      '$aws/provisioning-templates/fleet/provision/json',
    ]);
  });

  it('asks nothing because its clock is years ahead', async () => {
    world.clock.jumpTo(world.clock.now() + 10_000 * LIFE);
    await world.connect();
    await world.clock.advance(1000);
    expect(world.asked).toEqual([]);
  });
});

describe('a device whose power goes between a new key and its certificate', () => {
  it('puts the certificate in place at the next start', async () => {
    await begin({ newKey: true });
    await due();
    await world.until('certificate:renewed');
    const first = await world.serial();
    world.cutAt = 'renewal-proven';
    await world.restart();
    await world.connect();
    await world.pass(3 * LIFE);
    await world.cut;
    await copyFile(world.at('certs', 'next.key'), world.at('certs', 'device.key'));
    expect(await world.serial()).toBeUndefined();
    await world.restart();
    expect(await world.connect()).toBe('connected');
    const second = await world.serial();
    expect([second === undefined, second === first]).toEqual([false, false]);
  });
});

const MOMENTS = ['renewal-issued', 'renewal-proven', 'renewal-swapped', 'renewal-saved'] as const;
const CUTS = MOMENTS.flatMap((moment) => [false, true].map((newKey) => ({ moment, newKey })));

describe('a device whose power goes', () => {
  it.each(CUTS)(
    'at $moment (new key: $newKey) has the one or the other, and ends with the new',
    async (cut) => {
      await begin({ newKey: cut.newKey });
      world.cutAt = cut.moment;
      await world.restart();
      await due();
      await world.cut;
      await world.restart();
      expect(await world.connect()).toBe('connected');
      await world.until('certificate:renewed');
      expect(await world.serial()).not.toBe(old);
      expect([world.asked.length, await leftovers()]).toEqual([1, []]);
      expect(await world.connect()).toBe('connected');
    },
  );
});
