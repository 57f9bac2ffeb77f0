import { compileSchema, Database } from '@ioto/database';
import { coreSchema, parseDeviceTopic, type Version } from '@ioto/protocol';
import { type Clock, Emitter, silentLogger } from '@ioto/runtime';
import type { AgentEvents, SyncConflict } from '../../../agent/src/agent-events.ts';
import { COMMAND_JOURNAL, SYNC_GENERATION } from '../../../agent/src/services/database/agent-models.ts';
import { Requests } from '../../../agent/src/services/mqtt/requests.ts';
import { Commands } from '../../../agent/src/services/sync/commands.ts';
import { Comparison } from '../../../agent/src/services/sync/comparison.ts';
import { DigestCheck } from '../../../agent/src/services/sync/digest-check.ts';
import { Hello } from '../../../agent/src/services/sync/hello.ts';
import { SyncService } from '../../../agent/src/services/sync/service.ts';
import { SimulatedDisk } from '../../../database/src/journal/simulated-disk.fixture.ts';
import type { DeviceWorld } from '../devices/device-world.fixture.ts';
import type { Delivery, DevicePrincipal } from '../ports/device-endpoint.ts';
import { everyRight } from '../ports/every-right.fixture.ts';

/** Core models, and two whose items all devices of an account share and change: one as a whole, one field by field. */
export const sharedSchema = {
  ...coreSchema,
  models: {
    ...coreSchema.models,
    Setting: {
      pk: { type: 'string', value: 'setting#${accountId}' },
      sk: { type: 'string', value: 'setting#${name}' },
      accountId: { type: 'string' },
      name: { type: 'string', required: true },
      value: { type: 'string' },
    },
    Panel: {
      pk: { type: 'string', value: 'panel#${accountId}' },
      sk: { type: 'string', value: 'panel#${name}' },
      accountId: { type: 'string' },
      name: { type: 'string', required: true },
      led: { type: 'string' },
      level: { type: 'number' },
      modes: { type: 'object' },
    },
    [COMMAND_JOURNAL]: {
      pk: { type: 'string', value: 'agent#' },
      sk: { type: 'string', value: 'agent#command#${id}' },
      id: { type: 'string', required: true },
      ran: { type: 'date' },
    },
    [SYNC_GENERATION]: {
      pk: { type: 'string', value: 'agent#' },
      sk: { type: 'string', value: 'agent#generation#' },
      id: { type: 'string', required: true },
      checked: { type: 'date' },
    },
  },
  process: {
    ...coreSchema.process,
    Setting: { enable: true, sync: 'both' },
    Panel: { enable: true, sync: 'both', merge: 'fields' },
  },
};
const schema = compileSchema(sharedSchema);

/** A version that somebody was told is durable. */
export interface Promised {
  name: string;
  version: Version;
}

export interface Down {
  topic: string;
  payload: string;
  settle(outcome: Delivery): void;
}

/** The agent's own database and sync service, on a disk in memory, with links in both directions that a test works. */
export class RealDevice {
  readonly id: string;
  readonly accountId: string;
  /** Milliseconds by which its clock is wrong. */
  skew = 0;
  /** Milliseconds between comparisons with the cloud; 0 for none but those of `compare`. */
  checksEvery = 0;
  /** What was found by each comparison of a model. */
  readonly checked: AgentEvents['sync:checked'][] = [];
  /** It knows that the cloud is one of ours. */
  saysHello = false;
  readonly up: { topic: string; payload: string }[] = [];
  readonly down: Down[] = [];
  readonly promised: Promised[] = [];
  readonly conflicts: SyncConflict[] = [];
  /** How often each Command was acted on. */
  readonly runs = new Map<string, number>();
  readonly #clock: Clock;
  #disk = new SimulatedDisk();
  #database: Database | undefined;
  #service: SyncService | undefined;
  readonly #requests: Requests;
  readonly #world: DeviceWorld;
  #isConnected = false;
  readonly #end = new AbortController();
  #compare: (isSameSchema: boolean) => Promise<boolean> = async () => false;

  constructor(world: DeviceWorld, accountId: string, id: string) {
    this.accountId = accountId;
    this.id = id;
    this.#world = world;
    this.#requests = new Requests({ clock: world.clock, id, timeout: 5000 });
    this.#clock = {
      now: () => world.clock.now() + this.skew,
      after: (ms, callback) => world.clock.after(ms, callback),
    };
  }

  get isConnected(): boolean {
    return this.#isConnected;
  }

  get database(): Database {
    if (!this.#database) throw new Error('the device is off');
    return this.#database;
  }

  async start(): Promise<void> {
    const logger = silentLogger;
    const facts = { schema, clock: this.#clock, logger, maxJournalSize: 4000 };
    const database = await Database.open({ ...facts, directory: '/db', files: this.#disk });
    const events = new Emitter<AgentEvents>((_event, error) => {
      throw error;
    });
    events.on('sync:conflict', (conflict) => this.conflicts.push(conflict));
    events.on('device:command', ({ id }) => this.runs.set(id, (this.runs.get(id) ?? 0) + 1));
    const release = () => Promise.resolve();
    const commands = new Commands({
      ...{ database, events, release, clock: this.#clock, logger },
      checkpoint: () => undefined,
    });
    const hello = new Hello({ database, logger, ask: this.#requests.ask, isOurs: () => this.saysHello });
    events.on('sync:checked', (facts) => this.checked.push(facts));
    const comparing = { ask: this.#requests.ask, database, clock: this.#clock, logger, events };
    this.#compare = (isSameSchema) => {
      const cloudNow = () => this.#world.clock.now();
      return new Comparison(comparing, { isSameSchema, signal: this.#end.signal, cloudNow }).run();
    };
    const digests = new DigestCheck({ ...comparing, random: () => 0.5, every: this.checksEvery });
    this.#service = new SyncService({
      ...{ clock: this.#clock, logger, events, database, commands, id: this.id },
      ...{ device: {}, resendAfter: 5000, hello, digests },
      // One change a message, so that several are under way.
      maxBytes: this.saysHello ? 600 : 2000,
    });
    this.#database = database;
    await this.#service.prepare({ id: this.id, accountId: this.accountId });
    await this.#service.start();
  }

  /** The power goes, and comes back. What is lost of what was not synced is up to `random`. */
  async crash(random: () => number): Promise<void> {
    this.disconnect();
    this.#disk = this.#disk.crash(random);
    this.#database = undefined;
    await this.#service?.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    this.disconnect();
    await this.#service?.stop();
    await this.#database?.close();
  }

  /** Compares its tables with the cloud's; both must have said that they can. */
  compare(isSameSchema = true): Promise<boolean> {
    return this.#compare(isSameSchema);
  }

  connect(): void {
    if (this.#isConnected) return;
    this.#isConnected = true;
    // As the door does it.
    void this.#world.devices.gate.connected(this.#principal);
    const publish = async (topic: string, payload: string) => void this.up.push({ topic, payload });
    this.#requests.connected(publish);
    this.#service?.connected(publish);
  }

  /** What is under way may still arrive later; its sender does not learn of it. */
  disconnect(): void {
    if (!this.#isConnected) return;
    this.#isConnected = false;
    this.#requests.disconnected();
    this.#service?.disconnected();
    for (const message of this.down) message.settle('offline');
  }

  /** Resolves when what the message brought is durable. */
  async receive({ topic, payload, settle }: Down): Promise<void> {
    const message = parseDeviceTopic(topic, this.id, this.accountId);
    if (message?.kind === 'answer') {
      this.#requests.answered(message.request, message.n, Buffer.from(payload));
      return settle('acknowledged');
    }
    if (message?.kind !== 'sync') throw new Error(`nothing to do with ${topic}`);
    await this.#service?.receive(message.verb, Buffer.from(payload));
    settle('acknowledged');
  }

  /** How far the cloud's record says that its changes are confirmed. */
  async confirmed(): Promise<number> {
    const record = await this.#world.store.get(`device#${this.id}`, 'sync');
    return Number(record?.through ?? 0);
  }

  get #principal(): DevicePrincipal {
    const facts = { generation: 1, serial: '', dialect: 'current', rights: everyRight } as const;
    return { kind: 'device', deviceId: this.id, accountId: this.accountId, ...facts };
  }

  /** Not waited for: a crash may come before it is durable. Removes where there is no value. */
  write(name: string, value: string | undefined): Promise<void> {
    const { database } = this;
    const writing: Promise<unknown> =
      value === undefined
        ? database.remove('Setting', { name })
        : database.upsert('Setting', { name, value });
    const version = versionIn(database, name);
    return writing.then(
      () => {
        // What the program was not told before the power went was promised to nobody.
        if (version && this.#database === database) this.promised.push({ name, version });
      },
      () => undefined,
    );
  }
}

function versionIn(database: Database, name: string): Version | undefined {
  const item = database.get('Setting', { name });
  if (item) return { updated: String(item.updated), content: () => String(item.value) };
  const removed = database.removedAt('Setting', { name });
  return removed === undefined ? undefined : { updated: removed, removed: true };
}

/** Messages go into the devices' links instead of to a connection. */
export function linkUp(world: DeviceWorld, devices: () => readonly RealDevice[]): void {
  const { endpoint } = world;
  const deviceOf = (id: string) => devices().find((device) => device.id === id && device.isConnected);
  endpoint.isConnected = (id) => deviceOf(id) !== undefined;
  endpoint.deliver = async (id, topic, payload) => {
    const device = deviceOf(id);
    if (!device) return 'offline';
    return new Promise((settle) => device.down.push({ topic, payload, settle }));
  };
  endpoint.publish = (topic, payload) => {
    for (const device of devices()) {
      const isItsAccount = topic.startsWith(`ioto/account/${device.accountId}/`);
      if (device.isConnected && (isItsAccount || topic.startsWith('ioto/account/all/'))) {
        device.down.push({ topic, payload: payload.toString(), settle: () => undefined });
      }
    }
  };
  endpoint.disconnect = (id) => deviceOf(id)?.disconnect();
}

/** A message of a device reaches the cloud; resolves when it would be acknowledged. */
export function toCloud(
  world: DeviceWorld,
  device: RealDevice,
  message: { topic: string; payload: string },
): Promise<void> {
  return world.receive({ deviceId: device.id, accountId: device.accountId }, message);
}
