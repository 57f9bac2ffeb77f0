import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { tableDigest } from './digest.ts';
import { holds, mergedByField, type Rules, wholeItems } from './rules.fixture.ts';
import { type Held, type Message, ModelCloud, ModelDevice, versionOf } from './two-ends.fixture.ts';
import { compareVersions } from './version.ts';

const HOUR = 3_600_000;
const YEARS = 3 * 365 * 24 * HOUR;
const KEYS = ['a', 'b'];
/** Turns of calm after which everything must have settled: more would be an exchange without end. */
const CALM = 30;

/** One cloud, two devices of one account that share their items, and links that lose, double and reorder. */
class World {
  now = Date.UTC(2026, 0, 1);
  readonly devices: readonly ModelDevice[];
  readonly cloud: ModelCloud;
  readonly #rules: Rules;
  count = 0;

  constructor(rules: Rules) {
    this.#rules = rules;
    this.devices = ['one', 'two'].map((id) => new ModelDevice(id, rules));
    this.cloud = new ModelCloud(this.devices, rules);
  }

  link(which: number): Message[] {
    const { up, down } = this.devices[which >> 1] as ModelDevice;
    return which & 1 ? down : up;
  }

  /** The message arrives; one to a cloud that the device is cut off from waits. */
  deliver(which: number, at: number): void {
    const device = this.devices[which >> 1] as ModelDevice;
    const link = this.link(which);
    if (!device.isConnected || link.length === 0) return;
    const [message] = link.splice(at % link.length, 1) as [Message];
    if (which & 1) device.receive(message, this.now);
    else this.cloud.receive(message, this.now);
  }

  /** Every program runs, every link works, until nothing moves any more. */
  calmDown(): void {
    for (let turn = 0; turn < CALM; turn += 1) {
      this.now += 1;
      for (const device of this.devices) {
        if (!device.isConnected || turn === CALM / 2) device.connect();
        device.commit();
        if (device.up.length === 0 && device.down.length === 0) device.send();
      }
      for (const which of [0, 1, 2, 3]) while (this.link(which).length > 0) this.deliver(which, 0);
    }
    for (const device of this.devices) device.commit();
  }

  check(isClockSane: boolean): void {
    const tables = [...this.devices.map(({ held }) => held), this.#cloudTable()];
    const digests = tables.map((table) =>
      tableDigest(
        [...table].flatMap(([key, held]) => (held.removed ? [] : [[key, versionOf(held)] as const])),
      ),
    );
    expect(new Set(digests).size, JSON.stringify(tables.map((table) => [...table]))).toBe(1);
    for (const device of this.devices) {
      expect(device.waits).toBe(false);
      for (const times of device.runs.values()) expect(times).toBe(1);
    }
    expect(this.cloud.commands.size).toBe(0);
    if (isClockSane) this.#checkPromises();
  }

  /** What anybody was told is durable is there, unless a newer version is. */
  #checkPromises(): void {
    const promised = [...this.devices, this.cloud].flatMap((end) => end.promised);
    for (const key of KEYS) {
      const all = promised.filter((each) => each.key === key).map(({ held }) => held);
      const newest = all.sort((a, b) => compareVersions(versionOf(a), versionOf(b))).at(-1);
      const held = this.cloud.stored.get(key)?.held;
      if (!newest || newest.removed) expect(held?.removed ?? true).toBe(true);
      else if (this.#rules === wholeItems) expect(held).toEqual(newest);
      else this.#checkFields(held, all);
    }
  }

  /** Every field that was promised after the last removal is there, unless a later value of it is. */
  #checkFields(held: Held | undefined, promised: readonly Held[]): void {
    const lastRemoval = promised.findLastIndex(({ removed }) => removed);
    for (const each of promised.slice(lastRemoval + 1)) {
      expect(held && !held.removed && holds(held, each), JSON.stringify({ held, each })).toBe(true);
    }
  }

  #cloudTable(): Map<string, Held> {
    return new Map([...this.cloud.stored].map(([key, { held }]) => [key, held]));
  }
}

class Step implements fc.Command<object, World> {
  readonly #name: string;
  readonly #run: (world: World) => void;

  constructor(name: string, run: (world: World) => void) {
    this.#name = name;
    this.#run = run;
  }

  check(): boolean {
    return true;
  }

  run(_model: object, world: World): void {
    world.now += 1;
    this.#run(world);
  }

  toString(): string {
    return this.#name;
  }
}

const step = <T>(name: string, facts: fc.Arbitrary<T>, run: (world: World, facts: T) => void) =>
  facts.map((each) => new Step(`${name}(${JSON.stringify(each)})`, (world) => run(world, each)));

const key = fc.constantFrom(...KEYS);
const device = fc.nat(1);
const at = fc.record({ link: fc.nat(3), at: fc.nat(5) });
const deviceOf = (world: World, index: number) => world.devices[index] as ModelDevice;

function steps(skews: readonly number[]): fc.Arbitrary<Step>[] {
  const write = step('write', fc.tuple(device, key), (world, [index, name]) => {
    world.count += 1;
    deviceOf(world, index).write(name, `${index}${world.count}`, world.now);
  });
  const deliver = step('deliver', at, (world, { link, at }) => world.deliver(link, at));
  const connect = step('connect', device, (world, index) => {
    if (!deviceOf(world, index).isConnected) deviceOf(world, index).connect();
  });
  const commit = step('commit', device, (world, index) => deviceOf(world, index).commit());
  const send = step('send', device, (world, index) => deviceOf(world, index).send());
  return [
    ...[write, write, deliver, deliver, deliver, connect, commit, commit, send, send],
    step('remove', fc.tuple(device, key), (world, [index, name]) =>
      deviceOf(world, index).write(name, undefined, world.now),
    ),
    step('edit', key, (world, name) => {
      world.count += 1;
      world.cloud.edit(name, `owner${world.count}`, world.now);
    }),
    step('take away', key, (world, name) => world.cloud.edit(name, undefined, world.now)),
    step('command', device, (world, index) => {
      world.count += 1;
      world.cloud.command(`c${world.count}`, deviceOf(world, index));
    }),
    step('lose', at, (world, { link, at }) => {
      world.link(link).splice(at, 1);
    }),
    step('double', at, (world, { link, at }) => {
      const message = world.link(link)[at];
      if (!message) return;
      const copy = { ...message };
      if (copy.kind === 'item' || copy.kind === 'command') copy.delivery = undefined;
      world.link(link).push(copy);
    }),
    step('crash', device, (world, index) => deviceOf(world, index).crash()),
    step('cut', device, (world, index) => deviceOf(world, index).disconnect()),
    step('cloud crash', fc.constant(0), (world) => world.cloud.crash()),
    step('set clock', fc.tuple(device, fc.constantFrom(...skews)), (world, [index, skew]) => {
      deviceOf(world, index).skew = skew;
    }),
    step('wait', fc.constantFrom(2000, HOUR), (world, ms) => {
      world.now += ms;
    }),
    // Tombstones and marks end when no older version can be under way any more.
    step('calm and forget', key, (world, name) => {
      world.calmDown();
      for (const end of [world.cloud, ...world.devices]) end.forget(name);
    }),
  ];
}

function runAll(skews: readonly number[], isClockSane: boolean, rules = wholeItems, numRuns = 3000): void {
  fc.assert(
    fc.property(fc.commands(steps(skews), { maxCommands: 120, size: 'max' }), (commands) => {
      const world = new World(rules);
      fc.modelRun(() => ({ model: {}, real: world }), commands);
      world.calmDown();
      world.check(isClockSane);
    }),
    { numRuns },
  );
}

describe('a cloud and two devices, whatever the links and power cuts do', () => {
  it('come to hold the same, the newest of what was promised, with clocks an hour apart', () => {
    runAll([-HOUR, 0, HOUR], true);
  }, 60_000);

  it('come to hold the same with a clock that is years ahead', () => {
    runAll([-HOUR, 0, YEARS], false);
  }, 60_000);

  it('come to hold the same, with every field that was promised, where items are merged by field', () => {
    runAll([-HOUR, 0, HOUR], true, mergedByField, 2000);
  }, 60_000);

  it('come to hold the same where items are merged by field and a clock is years ahead', () => {
    runAll([-HOUR, 0, YEARS], false, mergedByField, 1500);
  }, 60_000);
});
