import { compareVersions, tableDigest, type Version } from '@ioto/protocol';
import { settle } from '@ioto/testkit/virtual-clock';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DeviceWorld } from '../devices/device-world.fixture.ts';
import { gonePartition } from './items/gone-marks.ts';
import { linkUp, type Promised, RealDevice, sharedSchema, toCloud } from './real-ends.fixture.ts';

const HOUR = 3_600_000;
const YEARS = 3 * 365 * 24 * HOUR;
const NAMES = ['a', 'b'];
/** Rounds of calm in which everything must settle. */
const CALM = 12;

let world: DeviceWorld;
let devices: RealDevice[] = [];
beforeAll(async () => {
  world = await DeviceWorld.create({ schema: sharedSchema });
  linkUp(world, () => devices);
});
afterAll(() => world[Symbol.asyncDispose]());

/** One account with two devices, for one run. */
class Run {
  readonly accountId: string;
  readonly promised: Promised[] = [];
  /** No clock is so wrong that the cloud dates anew what it takes in. */
  isConfirmable = false;
  readonly #writes: Promise<void>[] = [];
  #count = 0;

  constructor(accountId: string) {
    this.accountId = accountId;
  }

  /** @param hellos How many of the devices agree with the cloud on more than the contract. */
  static async create(hellos: number): Promise<Run> {
    const accountId = await world.account();
    const ids = [await world.ownedDevice(accountId), await world.ownedDevice(accountId)];
    devices = ids.map(({ id }) => new RealDevice(world, accountId, id));
    for (const device of devices.slice(0, hellos)) device.saysHello = true;
    for (const device of devices) await device.start();
    return new Run(accountId);
  }

  write(device: RealDevice, name: string, removes: boolean): void {
    this.#count += 1;
    this.#writes.push(device.write(name, removes ? undefined : `${this.#count}`));
  }

  async edit(name: string): Promise<void> {
    this.#count += 1;
    const { items } = world.devices;
    const fields = { name, value: `owner${this.#count}` };
    const item = (await this.stored()).has(name)
      ? await items.update('Setting', fields, this.accountId)
      : await items.create('Setting', fields, this.accountId);
    this.promised.push({ name, version: versionOf(item) });
  }

  async takeAway(name: string): Promise<void> {
    if (!(await this.stored()).has(name)) return;
    await world.devices.items.remove('Setting', { name }, this.accountId);
    const version = await this.#removal(name);
    if (version) this.promised.push({ name, version });
  }

  /** The mark that the cloud keeps. */
  async #removal(name: string): Promise<Version | undefined> {
    const mark = await world.store.get(gonePartition(`setting#${this.accountId}`), `setting#${name}`);
    return mark && { updated: String(mark.updated), removed: true };
  }

  /** What the cloud calls confirmed it has, whatever has become of its word. */
  async checkConfirmed(): Promise<void> {
    for (const device of devices) {
      const through = await device.confirmed();
      if (device.saysHello) expect(through).toBeLessThanOrEqual(device.database.outbox.latest);
      else expect(through).toBe(0);
      const waiting = device.database.outbox.pending(1000);
      for (const { model, version, item } of waiting.filter((each) => each.version <= through)) {
        if (model !== 'Setting') continue;
        const name = String((item as { name?: unknown }).name);
        const held = (await this.stored()).get(name) ?? (await this.#removal(name));
        expect(held && held.updated >= String(item.updated), `${name} of ${version}, ${through}`).toBe(true);
      }
    }
  }

  async stored(): Promise<Map<string, Version>> {
    const { items } = await world.devices.items.find('Setting', {}, { accountId: this.accountId });
    return new Map(items.map((item) => [String(item.name), versionOf(item)]));
  }

  async deliver(device: RealDevice, isUp: boolean, at: number): Promise<void> {
    const link: unknown[] = isUp ? device.up : device.down;
    if (!device.isConnected || link.length === 0) return;
    const index = at % link.length;
    if (isUp) await toCloud(world, device, device.up.splice(index, 1)[0] as (typeof device.up)[0]);
    else await device.receive(device.down.splice(index, 1)[0] as (typeof device.down)[0]);
    await settle(1);
  }

  async deliverHello(device: RealDevice): Promise<void> {
    await settle(8);
    for (const isUp of [true, false]) {
      const link: { topic: string }[] = isUp ? device.up : device.down;
      const at = link.findIndex(({ topic }) => topic.includes('/sync/hello/'));
      if (at >= 0) await this.deliver(device, isUp, at);
    }
  }

  async calmDown(): Promise<void> {
    for (let round = 0; round < CALM; round += 1) {
      for (const device of devices) {
        if (round === CALM / 2) device.disconnect();
        device.connect();
      }
      await this.#deliverAll();
      await world.clock.advance(6000);
    }
    await Promise.all(this.#writes);
  }

  /**
   * Each end loses or takes back an item of its own that nobody writes of, as a damaged disk or an old copy would have it;
   * then both devices compare.
   */
  async corruptAndCompare(): Promise<void> {
    const pk = `setting#${this.accountId}`;
    const [lost = 'a', old = 'b'] = [...(await this.stored()).keys()];
    await world.store.write([{ remove: { pk, sk: `setting#${lost}` } }]);
    const updated = '2000-01-01T00:00:00.000Z';
    const [first, second] = devices;
    await first?.database.apply({
      cmd: 'upsert',
      model: 'Setting',
      item: { name: old, value: 'old', updated },
    });
    await second?.database.apply({ cmd: 'remove', model: 'Setting', item: { name: old, updated } });
    for (const device of [first, second, first]) {
      let isSame: boolean | undefined;
      device?.compare().then((same) => {
        isSame = same;
      });
      for (let round = 0; round < 100 && isSame === undefined; round += 1) {
        await this.#deliverAll();
        await world.clock.advance(500);
      }
      expect(isSame).toBe(true);
    }
    await this.#deliverAll();
  }

  async #deliverAll(): Promise<void> {
    for (let quiet = 0; quiet < 3; quiet += 1) {
      await settle(8);
      for (const device of devices) {
        for (const isUp of [true, false]) {
          while ((isUp ? device.up : device.down).length > 0) {
            await this.deliver(device, isUp, 0);
            quiet = 0;
          }
        }
      }
    }
  }

  checkSame(stored: Map<string, Version>): void {
    const tables = [stored, ...devices.map(tableOf)];
    expect(new Set(tables.map(tableDigest)).size, JSON.stringify(tables.map((table) => [...table]))).toBe(1);
  }

  async check(isClockSane: boolean): Promise<void> {
    const stored = await this.stored();
    this.checkSame(stored);
    for (const device of devices) {
      expect(device.database.outbox.size).toBe(0);
      // All that waited at the last hello has come, or nothing did.
      if (device.saysHello) expect(await device.confirmed()).toBeGreaterThan(0);
      for (const times of device.runs.values()) expect(times).toBe(1);
    }
    if (!isClockSane) return;
    const promised = [...this.promised, ...devices.flatMap((device) => device.promised)];
    for (const name of NAMES) {
      const all = promised.filter((each) => each.name === name).map(({ version }) => version);
      const newest = all.sort(compareVersions).at(-1);
      const held = stored.get(name);
      if (!newest || (!held && newest.removed)) continue;
      const final = held ?? (await this.#removal(name));
      const order = final ? compareVersions(final, newest) : -1;
      // A write that a power cut kept from being promised may be there all the same.
      if (this.#wasCut) expect(order).toBeGreaterThanOrEqual(0);
      else expect(order).toBe(0);
    }
  }

  #wasCut = false;

  async crash(device: RealDevice, seed: number): Promise<void> {
    this.#wasCut = true;
    let state = seed;
    await device.crash(() => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state / 2 ** 32;
    });
  }

  /** The cloud has done what the message asks for, and dies before anybody hears of it. */
  async crashCloud(device: RealDevice): Promise<void> {
    const heard = devices.map(({ down }) => down.length);
    await this.deliver(device, true, 0);
    for (const [index, each] of devices.entries()) {
      for (const message of each.down.splice(heard[index] ?? 0)) message.settle('offline');
      each.disconnect();
    }
    await world.restart();
  }
}

const versionOf = ({ updated, value }: Readonly<Record<string, unknown>>): Version => {
  return { updated: String(updated), content: () => String(value) };
};
const tableOf = ({ database }: RealDevice): Map<string, Version> =>
  new Map(database.find('Setting').map((item) => [String(item.name), versionOf(item)]));

class Step implements fc.AsyncCommand<object, Run> {
  readonly #name: string;
  readonly #run: (run: Run) => unknown;

  constructor(name: string, run: (run: Run) => unknown) {
    this.#name = name;
    this.#run = run;
  }

  check(): boolean {
    return true;
  }

  async run(_model: object, run: Run): Promise<void> {
    await world.clock.advance(1);
    await this.#run(run);
    if (run.isConfirmable) await run.checkConfirmed();
  }

  toString(): string {
    return this.#name;
  }
}

const step = <T>(name: string, facts: fc.Arbitrary<T>, act: (run: Run, facts: T) => unknown) =>
  facts.map((each) => new Step(`${name}(${JSON.stringify(each)})`, (run) => act(run, each)));

const device = fc.nat(1);
const name = fc.constantFrom(...NAMES);
const at = fc.tuple(device, fc.boolean(), fc.nat(4));
const deviceOf = (index: number) => devices[index] as RealDevice;

function steps(skews: readonly number[]): fc.Arbitrary<Step>[] {
  const write = step('write', fc.tuple(device, name, fc.nat(3)), (run, [index, which, kind]) =>
    run.write(deviceOf(index), which, kind === 0),
  );
  const deliver = step('deliver', at, (run, [index, isUp, which]) =>
    run.deliver(deviceOf(index), isUp, which),
  );
  return [
    ...[write, write, deliver, deliver, deliver, deliver],
    step('connect', fc.tuple(device, fc.nat(3)), async (run, [index, luck]) => {
      deviceOf(index).connect();
      // Left to chance alone hellos would seldom be answered in time.
      if (luck > 0) await run.deliverHello(deviceOf(index));
    }),
    step('edit', name, (run, which) => run.edit(which)),
    step('take away', name, (run, which) => run.takeAway(which)),
    step('command', device, async (run, index) => {
      const facts = { deviceId: deviceOf(index).id, command: 'beep' };
      await world.devices.items.create('Command', facts, run.accountId);
    }),
    step('lose', at, (_run, [index, isUp, which]) => {
      const { up, down } = deviceOf(index);
      if (isUp) up.splice(which, 1);
      else for (const message of down.splice(which, 1)) message.settle('timeout');
    }),
    step('double', at, (_run, [index, isUp, which]) => {
      const { up, down } = deviceOf(index);
      const [sent, received] = [up[which], down[which]];
      if (isUp && sent) up.push(sent);
      else if (!isUp && received) down.push({ ...received, settle: () => undefined });
    }),
    step('crash', fc.tuple(device, fc.nat()), (run, [index, seed]) => run.crash(deviceOf(index), seed)),
    step('cloud crash', device, (run, index) => run.crashCloud(deviceOf(index))),
    step('cut', device, (_run, index) => deviceOf(index).disconnect()),
    step('set clock', fc.tuple(device, fc.constantFrom(...skews)), (_run, [index, skew]) => {
      deviceOf(index).skew = skew;
    }),
    step('wait', fc.constantFrom(6000, HOUR), (_run, ms) => world.clock.advance(ms)),
  ];
}

async function runAll(skews: readonly number[], isClockSane: boolean, hellos: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(fc.commands(steps(skews), { maxCommands: 60, size: 'max' }), async (commands) => {
      const run = await Run.create(hellos);
      run.isConfirmable = isClockSane;
      await fc.asyncModelRun(() => ({ model: {}, real: run }), commands);
      await run.calmDown();
      await run.check(isClockSane);
      if (hellos === 2) {
        await run.corruptAndCompare();
        run.checkSame(await run.stored());
      }
      for (const each of devices) await each.stop();
    }),
    { numRuns: 16, endOnFailure: true },
  );
}

describe('the cloud and two agents, whatever links and power cuts do', () => {
  it('come to hold the same, the newest of what was promised, with clocks an hour apart', async () => {
    await runAll([-HOUR, 0, HOUR], true, 0);
  }, 120_000);

  it('do so when both devices have agreed with the cloud on more than the contract, and it never calls confirmed what it lacks', async () => {
    await runAll([-HOUR, 0, HOUR], true, 2);
  }, 120_000);

  it('come to hold the same with a clock that is years ahead', async () => {
    await runAll([-HOUR, 0, YEARS], false, 1);
  }, 120_000);
});
