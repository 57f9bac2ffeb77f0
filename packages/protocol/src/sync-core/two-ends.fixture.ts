import type { Claims } from './cloud-end.ts';
import type { DownFacts } from './device-end.ts';
import { type Rules, wholeItems } from './rules.fixture.ts';
import { nextTime, type Version } from './version.ts';

/** What either end holds under a key. */
export interface Held {
  updated: string;
  removed?: boolean;
  value: string;
}

export type Message =
  | { kind: 'batch'; from: string; run: number; changes: { key: string; entry: number; held: Held }[] }
  | { kind: 'ack'; run: number; entries: { key: string; entry: number }[]; time: number }
  | { kind: 'item'; key: string; held: Held; delivery?: Delivery }
  | { kind: 'command'; id: string; delivery?: Delivery }
  | { kind: 'ask'; from: string; since: number }
  | { kind: 'end'; until: number };

/** What a sender learns of a message: that it is durable at its reader. One that is lost says nothing. */
interface Delivery {
  acknowledged(): void;
}

export const iso = (time: number) => new Date(time).toISOString();
export const versionOf = ({ updated, removed, value }: Held): Version => {
  return { updated, removed, content: () => value };
};

interface Memory {
  held: Map<string, Held>;
  /** Number of the latest change of each item that is not acknowledged. */
  outbox: Map<string, number>;
  commands: Set<string>;
  lastSync: number;
}

const copyOf = ({ held, outbox, commands, lastSync }: Memory): Memory => {
  return { held: new Map(held), outbox: new Map(outbox), commands: new Set(commands), lastSync };
};

/** A device: what it does not commit, a crash takes away. It acknowledges what it is sent once that is committed. */
export class ModelDevice {
  readonly id: string;
  /** Milliseconds by which its clock is wrong. */
  skew = 0;
  isConnected = false;
  readonly up: Message[] = [];
  readonly down: Message[] = [];
  /** Versions that the program was told are on disk. */
  readonly promised: { key: string; held: Held }[] = [];
  /** How often each Command was acted on. */
  readonly runs = new Map<string, number>();
  #memory: Memory = { held: new Map(), outbox: new Map(), commands: new Set(), lastSync: 0 };
  #disk: Memory = copyOf(this.#memory);
  #written: { key: string; held: Held }[] = [];
  #read: Message[] = [];
  #entry = 0;
  #run = 0;
  #returns = new Map<string, Held>();
  #cloud: { time: number; at: number } | undefined;
  #asking = false;
  readonly #rules: Rules;

  constructor(id: string, rules: Rules = wholeItems) {
    this.id = id;
    this.#rules = rules;
  }

  get held(): ReadonlyMap<string, Held> {
    return this.#memory.held;
  }

  get lastSync(): number {
    return this.#disk.lastSync;
  }

  get waits(): boolean {
    return this.#memory.outbox.size > 0;
  }

  waitsFor(key: string): boolean {
    return this.#memory.outbox.has(key);
  }

  /** The program writes, or removes where there is no value. */
  write(key: string, value: string | undefined, now: number): void {
    const before = this.#memory.held.get(key);
    if (value === undefined && (!before || before.removed)) return;
    const updated = iso(nextTime(now + this.skew, before?.updated));
    const held = this.#rules.change(before, value, updated);
    this.#memory.held.set(key, held);
    this.#entry += 1;
    this.#memory.outbox.set(key, this.#entry);
    this.#written.push({ key, held });
  }

  commit(): void {
    for (const id of this.#memory.commands) {
      if (!this.#disk.commands.has(id)) this.runs.set(id, (this.runs.get(id) ?? 0) + 1);
    }
    this.#disk = copyOf(this.#memory);
    this.promised.push(...this.#written.splice(0));
    for (const message of this.#read.splice(0)) {
      if (message.kind === 'item' || message.kind === 'command') message.delivery?.acknowledged();
    }
  }

  /** What had been read and not acknowledged comes again. */
  crash(): void {
    this.disconnect();
    this.down.unshift(...this.#read.splice(0));
    this.#memory = copyOf(this.#disk);
    this.#written = [];
    this.#returns = new Map();
    this.#cloud = undefined;
    this.#run += 1;
  }

  connect(): void {
    this.isConnected = true;
    this.#asking = true;
    this.up.push({ kind: 'ask', from: this.id, since: this.#disk.lastSync });
  }

  disconnect(): void {
    this.isConnected = false;
    this.#asking = false;
  }

  send(): void {
    const entries = [...this.#disk.outbox].filter(([key, entry]) => this.#memory.outbox.get(key) === entry);
    const changes = entries.map(([key, entry]) => ({ key, entry, held: this.#disk.held.get(key) as Held }));
    const returns = [...this.#returns].filter(([key]) => !this.#disk.outbox.has(key));
    changes.push(...returns.map(([key, held]) => ({ key, entry: -1, held })));
    if (changes.length > 0) this.up.push({ kind: 'batch', from: this.id, run: this.#run, changes });
  }

  receive(message: Message, now: number): void {
    if (message.kind === 'ack') this.#acknowledged(message, now);
    else if (message.kind === 'item') this.#item(message.key, message.held, now);
    else if (message.kind === 'command') this.#memory.commands.add(message.id);
    else if (message.kind === 'end' && this.#asking) {
      this.#asking = false;
      this.#memory.lastSync = message.until;
    }
    this.#read.push(message);
  }

  /** Only what nobody can ever send an older version of. */
  forget(key: string): void {
    for (const { held } of [this.#memory, this.#disk]) if (held.get(key)?.removed) held.delete(key);
  }

  #acknowledged({ run, entries, time }: Extract<Message, { kind: 'ack' }>, now: number): void {
    if (run !== this.#run) return;
    this.#cloud = { time, at: now };
    for (const { key, entry } of entries) {
      if (entry < 0) this.#returns.delete(key);
      else if (this.#memory.outbox.get(key) === entry) this.#memory.outbox.delete(key);
    }
  }

  #item(key: string, incoming: Held, now: number): void {
    const held = this.#memory.held.get(key);
    const waiting = this.#memory.outbox.has(key);
    const cloudNow = this.#cloud && this.#cloud.time + Math.max(0, now - this.#cloud.at);
    const facts: DownFacts = { syncsUp: true, cloudNow };
    const verdict = this.#rules.down(held && { held, waiting }, incoming, facts);
    if (verdict.kind === 'sendBack' && held) this.#returns.set(key, held);
    if (verdict.kind !== 'apply') return;
    this.#memory.held.set(key, verdict.held);
    if (!verdict.waits) this.#memory.outbox.delete(key);
    else {
      this.#entry += 1;
      this.#memory.outbox.set(key, this.#entry);
    }
  }
}

interface Stored {
  held: Held;
  arrived: number;
  claims?: Claims;
}

/** The cloud: each batch is one commit, and is acknowledged after it; a crash takes what is under way. */
export class ModelCloud {
  readonly stored = new Map<string, Stored>();
  /** Commands that were not delivered, by ID, and whose they are. */
  readonly commands = new Map<string, string>();
  readonly promised: { key: string; held: Held }[] = [];
  readonly #devices: readonly ModelDevice[];
  #latest = 0;
  #generation = 0;
  readonly #rules: Rules;

  constructor(devices: readonly ModelDevice[], rules: Rules = wholeItems) {
    this.#devices = devices;
    this.#rules = rules;
  }

  /** The owner creates or changes an item, or removes it where there is no value. */
  edit(key: string, value: string | undefined, now: number): void {
    const before = this.stored.get(key);
    if (value === undefined && (!before || before.held.removed)) return;
    const updated = iso(nextTime(now, before?.held.updated));
    const held = this.#rules.change(before?.held, value, updated);
    this.#store(key, { held, arrived: this.#arrival(now), claims: before?.claims });
    this.promised.push({ key, held });
  }

  command(id: string, device: ModelDevice): void {
    this.commands.set(id, device.id);
    if (device.isConnected) this.#sendCommand(device, id);
  }

  crash(): void {
    this.#generation += 1;
    for (const device of this.#devices) device.disconnect();
  }

  receive(message: Message, now: number): void {
    if (message.kind === 'ask') this.#down(message.from, message.since, now);
    if (message.kind !== 'batch') return;
    const device = this.#device(message.from);
    const told = message.changes.flatMap(({ key, held }) => this.#change(device, key, held, now));
    const entries = message.changes.map(({ key, entry }) => ({ key, entry }));
    device.down.push({ kind: 'ack', run: message.run, entries, time: now }, ...told);
  }

  forget(key: string): void {
    if (this.stored.get(key)?.held.removed) this.stored.delete(key);
  }

  #change(device: ModelDevice, key: string, sent: Held, now: number): Message[] {
    const told: Message[] = [];
    const before = this.stored.get(key);
    const verdict = this.#rules.up(before, { held: sent, deviceId: device.id }, now);
    if ((verdict.kind === 'stale' || verdict.kind === 'seen') && before) {
      told.push({ kind: 'item', key, held: before.held });
    }
    if (verdict.kind !== 'write') return told;
    const { held, claims } = verdict;
    this.#store(key, { held, arrived: this.#arrival(now), claims }, device);
    if (verdict.tell) told.push({ kind: 'item', key, held });
    return told;
  }

  /** The change goes down live to whoever is there, except to who made it. */
  #store(key: string, stored: Stored, by?: ModelDevice): void {
    this.stored.set(key, stored);
    for (const device of this.#devices) {
      if (device.isConnected && device !== by) device.down.push({ kind: 'item', key, held: stored.held });
    }
  }

  /** Everything that arrived later, and then, once the device has it all, the end. */
  #down(id: string, since: number, now: number): void {
    const device = this.#device(id);
    const until = this.#arrival(now) - 1;
    const generation = this.#generation;
    let left = 1;
    const delivery: Delivery = {
      acknowledged: () => {
        left -= 1;
        if (left > 0 || generation !== this.#generation) return;
        device.down.push({ kind: 'end', until });
      },
    };
    for (const [key, { held, arrived }] of this.stored) {
      if (arrived <= since) continue;
      left += 1;
      device.down.push({ kind: 'item', key, held, delivery });
    }
    for (const [command, of] of this.commands) if (of === id) this.#sendCommand(device, command);
    delivery.acknowledged();
  }

  #sendCommand(device: ModelDevice, id: string): void {
    const acknowledged = () => void this.commands.delete(id);
    device.down.push({ kind: 'command', id, delivery: { acknowledged } });
  }

  #arrival(now: number): number {
    this.#latest = Math.max(this.#latest, now);
    return this.#latest;
  }

  #device(id: string): ModelDevice {
    return this.#devices.find((device) => device.id === id) as ModelDevice;
  }
}
