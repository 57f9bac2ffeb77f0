import { writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { TcpProxy, TempDirectory, type Weather } from '@ioto/testkit';
import { World } from '../world.ts';
import { checkCalm } from './calm.ts';
import { fieldNames, Ledger } from './ledger.ts';
import { TorturedOwner } from './owner.ts';
import { Random } from './random.ts';
import { TORTURE_SCHEMA } from './schema.ts';
import { Refused, TorturedDevice } from './tortured-device.ts';

const HOUR = 3_600_000;
const DEVICES = 2;
/** Half of the writes fight for few items; what is lost of the others nobody soon writes again. */
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
const RARE = 400;
const SETTINGS = {
  mqtt: { first: '100 msec', limit: '500 msec', timeout: '2 secs', keepAlive: '1 sec' },
  timeouts: { sync: '1 sec' },
};

/** What was done to them. */
export interface Figures {
  writes: number;
  kills: number;
  cloudKills: number;
  /** Changes of weather on the links, other than to fine. */
  storms: number;
  commands: number;
}

/**
 * The real programs: a cloud, two devices of one account, and their owner, who all write at random while links are cut and
 * programs are killed.
 */
export class Torture {
  readonly world: World;
  readonly devices: readonly TorturedDevice[];
  readonly owner: TorturedOwner;
  readonly ledger: Ledger;
  readonly figures: Figures = { writes: 0, kills: 0, cloudKills: 0, storms: 0, commands: 0 };
  readonly #directory: TempDirectory;
  readonly #seed: number;
  readonly #refused: string[] = [];
  #isOver = true;

  private constructor(
    seed: number,
    directory: TempDirectory,
    world: World,
    devices: readonly TorturedDevice[],
    owner: TorturedOwner,
    ledger: Ledger,
  ) {
    this.#seed = seed;
    this.#directory = directory;
    this.world = world;
    this.devices = devices;
    this.owner = owner;
    this.ledger = ledger;
  }

  /** Resolves when both devices are claimed and connected. */
  static async create(seed: number): Promise<Torture> {
    const directory = await TempDirectory.create();
    const schema = directory.at('schema.json5');
    await writeFile(schema, TORTURE_SCHEMA);
    const world = await World.create({ args: ['--schema', schema] });
    const ledger = new Ledger();
    const { port } = world.cloud;
    const owner = new TorturedOwner(world, await TcpProxy.start({ port }), ledger);
    const starting = Array.from({ length: DEVICES }, async () => {
      const proxy = await TcpProxy.start({ port });
      const mqtt = { ...SETTINGS.mqtt, port: proxy.port };
      const files = await world.device({ settings: { ...SETTINGS, mqtt, database: { schema } } });
      const device = new TorturedDevice(files, proxy);
      await device.start();
      device.id = await world.registered(files);
      const { status, text } = await world.claim(device.id);
      if (status !== 200) throw new Error(`claim: ${status} ${text}`);
      await world.online(device.id);
      return device;
    });
    return new Torture(seed, directory, world, await Promise.all(starting), owner, ledger);
  }

  /** So many seconds of it; then all run, all links work, and everything is compared. */
  async round(number: number, seconds: number): Promise<void> {
    this.#isOver = false;
    const random = (name: string) => new Random(this.#seed + number, name);
    const acting = [
      this.#own(random('owner'), number),
      this.#storm(random('owner’s link'), this.owner.proxy),
      this.#killCloud(random('cloud')),
      ...this.devices.flatMap((device, at) => [
        this.#write(device, random(`device ${at}`), `${at}.${number}`),
        this.#storm(random(`link ${at}`), device.proxy),
        this.#killDevice(device, random(`death ${at}`), at === 0),
      ]),
    ];
    await Promise.race([delay(seconds * 1000), Promise.all(acting)]);
    this.#isOver = true;
    await Promise.all(acting);
    await this.#calm(random('calm'));
  }

  async #calm(random: Random): Promise<void> {
    this.owner.proxy.weather = { kind: 'fine' };
    for (const { proxy } of this.devices) {
      proxy.weather = { kind: 'fine' };
      if (random.chance(50)) proxy.resetAll();
    }
    const refused = [...this.#refused, ...this.owner.refused];
    if (refused.length > 0) throw new Error(`refused: ${refused.slice(0, 10).join('\n')}`);
    await checkCalm(this);
  }

  async #own(random: Random, round: number): Promise<void> {
    const ids = this.devices.map(({ id }) => id);
    for (let count = 0; !this.#isOver; count += 1) {
      await delay(random.between(20, 500));
      const before = this.ledger.promises;
      await this.owner.act(random, anyName(random), ids, `o.${round}.${count}`);
      if (this.ledger.promises > before) this.figures.writes += 1;
    }
    this.figures.commands = this.owner.commands.size;
  }

  async #write(device: TorturedDevice, random: Random, tag: string): Promise<void> {
    const writing = new Set<Promise<void>>();
    for (let count = 0; !this.#isOver; ) {
      await delay(random.between(20, 600));
      // Sometimes many at once, so that a kill or a cut finds some that are half done.
      for (let burst = random.chance(10) ? random.between(5, 40) : 1; burst > 0; burst -= 1) {
        count += 1;
        const writingOne = this.#writeOne(device, random, `${tag}.${count}`);
        writing.add(writingOne);
        void writingOne.finally(() => writing.delete(writingOne));
      }
    }
    await Promise.all(writing);
  }

  async #writeOne(device: TorturedDevice, random: Random, tag: string): Promise<void> {
    const model = random.of(['Reading', 'Setting', 'Setting', 'Panel', 'Panel']);
    const name = anyName(random);
    const item = itemName(model, name, device);
    const removes = random.chance(model === 'Panel' ? 5 : 20);
    const fields = removes ? undefined : { [random.of(fieldNames(model))]: tag };
    if (!device.isRunning) return;
    const attempt = removes ? this.ledger.removes(item) : undefined;
    try {
      const properties = { name, ...fields };
      const { updated } = await device.ask(removes ? 'remove' : 'upsert', { model, properties });
      this.figures.writes += 1;
      if (typeof updated === 'string') this.ledger.promised({ item, updated, fields, attempt });
    } catch (error) {
      // One that died has promised nothing.
      if (error instanceof Refused) this.#refused.push(error.message);
    }
  }

  async #storm(random: Random, proxy: TcpProxy): Promise<void> {
    while (!this.#isOver) {
      proxy.weather = { kind: 'fine' };
      await this.#wait(random.between(1000, 5000));
      if (this.#isOver) break;
      proxy.weather = weather(random);
      this.figures.storms += 1;
      await this.#wait(random.between(100, proxy.weather.kind === 'stalled' ? 4000 : 1500));
      if (random.chance(30)) proxy.resetAll();
    }
    proxy.weather = { kind: 'fine' };
  }

  async #killDevice(device: TorturedDevice, random: Random, isRight: boolean): Promise<void> {
    while (!this.#isOver) {
      await this.#connection(device, random.between(500, 6000));
      await this.#wait(random.between(200, 3000));
      // What a death costs shows in what is under way when it comes.
      if (random.chance(70)) {
        device.proxy.weather = { kind: 'stalled' };
        await this.#wait(random.between(700, 2500));
      }
      await device.kill();
      // Else what it had sent may yet arrive.
      if (random.chance(80)) device.proxy.resetAll();
      this.figures.kills += 1;
      await this.#wait(random.between(0, 2500));
      await device.start(isRight ? 0 : random.of([HOUR, -HOUR, 0]));
    }
  }

  async #killCloud(random: Random): Promise<void> {
    while (!this.#isOver) {
      await this.#wait(random.between(5000, 12_000));
      if (this.#isOver) break;
      await this.world.stopCloud();
      this.figures.cloudKills += 1;
      await this.#wait(random.between(0, 2500));
      await this.world.startCloud();
    }
  }

  /** Most devices live until they are connected: only what is under way can be lost. */
  async #connection(device: TorturedDevice, patience: number): Promise<void> {
    for (const end = Date.now() + patience; !this.#isOver && Date.now() < end; ) {
      if ((await device.ask('outbox').catch(() => undefined))?.phase === 'ready') return;
      await delay(100);
    }
  }

  /** Until the time is up, or the end. */
  async #wait(ms: number): Promise<void> {
    for (const end = Date.now() + ms; !this.#isOver && Date.now() < end; ) await delay(50);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    for (const device of this.devices) await device[Symbol.asyncDispose]();
    await this.owner[Symbol.asyncDispose]();
    await this.world[Symbol.asyncDispose]();
    await this.#directory[Symbol.asyncDispose]();
  }
}

/** Each device has Readings of its own. */
export function itemName(model: string, name: string, { id }: { id: string }): string {
  return model === 'Reading' ? `Reading/${name}/${id}` : `${model}/${name}`;
}

function anyName(random: Random): string {
  return random.chance(50) ? random.of(NAMES) : `n${random.between(0, RARE)}`;
}

function weather(random: Random): Weather {
  const kind = random.of(['cut', 'stalled', 'answers-cut', 'slow'] as const);
  if (kind === 'answers-cut') return { kind, after: random.between(0, 3000) };
  return kind === 'slow' ? { kind, ms: random.between(5, 200) } : { kind };
}
