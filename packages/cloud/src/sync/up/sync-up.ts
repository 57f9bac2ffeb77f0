import type { Schema } from '@ioto/database';
import { deviceTopic, type SyncVerb } from '@ioto/protocol';
import { type Clock, isoTime, type Logger, messageOf } from '@ioto/runtime';
import { Turns } from '../../devices/turns.ts';
import type { Complaints } from '../../limits/complaints.ts';
import { Slots } from '../../limits/slots.ts';
import type { DeviceEndpoint } from '../../ports/device-endpoint.ts';
import type { ItemStore, StoredItem, StoredKey } from '../../ports/item-store.ts';
import type { ItemSender } from '../down/item-sender.ts';
import type { SyncDown } from '../down/sync-down.ts';
import type { Agreed, AgreedBatch } from '../hello/agreed.ts';
import type { Note } from '../hello/confirmed.ts';
import type { Arrivals } from '../items/arrivals.ts';
import { forgetOldMarks, gonePartition } from '../items/gone-marks.ts';
import { arrivalOf } from '../items/sync-facts.ts';
import { type IncomingChange, nameOfChange, readChange, type SyncIdentity } from '../items/wire-item.ts';
import { conflictWrites, type LogEntries, loggedConflicts } from './conflict-log.ts';
import type { Pace } from './pace.ts';
import type { Quarantine } from './quarantine.ts';
import { type Current, planSync, type SyncPlan } from './sync-plan.ts';

/** Changes that one message may carry. */
const MAX_CHANGES = 10_000;
/** Batches that one commit decides on. */
const MOST_TOGETHER = 8;
/** Bytes of the keys in one acknowledgement: agents in the field break at packets of 4 KB (Ioto contract §10). */
const LARGEST_ACKNOWLEDGEMENT = 3500;

export interface SyncUpOptions {
  schema: Schema;
  store: ItemStore;
  endpoint: Pick<DeviceEndpoint, 'deliver'>;
  sender: ItemSender;
  arrivals: Arrivals;
  quarantine: Quarantine;
  agreed: Agreed;
  pace: Pace;
  syncDown: Pick<SyncDown, 'again'>;
  clock: Clock;
  complaints: Complaints;
  logger: Logger;
}

/** What this process has counted of sync up. */
export interface SyncCounts {
  /** Changes that devices sent and that are durable, or refused. */
  readonly changes: number;
  readonly lost: number;
  readonly conflicts: number;
  /** Changes that wait on connected devices. */
  readonly pending: number;
}

/** Takes what devices send of their databases: `…/db/syncToDynamo` and `…/store/set` (Ioto contract §7). */
export class SyncUp {
  readonly #options: SyncUpOptions;
  /** The batches of one device are applied in the order in which it sent them. */
  readonly #turns = new Turns();
  /** What one commit decides is decided in one go, while everything else waits. */
  readonly #slots = new Slots(MOST_TOGETHER);

  readonly #counts = { changes: 0, lost: 0, conflicts: 0 };

  constructor(options: SyncUpOptions) {
    this.#options = options;
  }

  get counts(): SyncCounts {
    return { ...this.#counts, pending: this.#options.agreed.peers.pending };
  }

  /**
   * Resolves when the batch is durable; then the device is told. Every key is acknowledged, also of what was stale or
   * refused.
   *
   * @param read Reads the message when its turn has come; undefined for one that is none. Read earlier, the batches of many
   * devices that wait would take much more memory than their bytes do.
   * @param isOurs The agent is one of ours rather than of the old dialect.
   */
  async receive(identity: SyncIdentity, read: () => unknown, isOurs: boolean): Promise<void> {
    const { deviceId } = identity;
    const { agreed, pace, quarantine } = this.#options;
    // Of the connection that it came by: the device may have another one when its turn has come.
    const peer = agreed.peers.of(deviceId);
    const ended = pace.begin();
    const done = await this.#inTurn(deviceId, async (leave) => {
      const message = read();
      const changes = message === undefined ? undefined : this.#changesOf(identity, message);
      if (!changes) return undefined;
      const batch = agreed.batch(peer, message as object);
      const { accepted, unknown } = this.#read(identity, changes);
      const keys = batch ? [] : inMessages(changes);
      if (unknown.length > 0) await quarantine.keep(identity, unknown);
      const { told, note } = await this.#apply(accepted, { identity, isOurs, batch }, leave);
      this.#counts.changes += changes.length;
      this.#counts.lost += note?.lost ?? 0;
      return { seq: seqOf(message), keys, told, batch, through: note?.through ?? 0 };
    }).finally(ended);
    if (!done) return;
    const left = done.batch
      ? agreed.acknowledge(deviceId, done.batch, done)
      : this.#acknowledge(deviceId, done);
    for (const { item, removed } of left) this.#tell(identity, removed ? 'REMOVE' : 'MODIFY', item);
  }

  #changesOf({ deviceId }: SyncIdentity, message: unknown): readonly unknown[] | undefined {
    const { changes } = (message ?? {}) as { changes?: unknown };
    if (Array.isArray(changes) && changes.length <= MAX_CHANGES) return changes;
    this.#options.complaints.of(deviceId, 'sync message without a list of changes ignored', {});
    return undefined;
  }

  /** One Store item; the time is the cloud's, for the message carries none. */
  async storeSet(identity: SyncIdentity, message: unknown): Promise<void> {
    const { key, value, type } = (message ?? {}) as Record<string, unknown>;
    const change = { cmd: 'upsert', item: { _type: 'Store', key, value, type } };
    await this.takeIn(identity, [change]);
  }

  /** Applies changes that no acknowledgement waits for; resolves when they are durable. */
  async takeIn(identity: SyncIdentity, changes: readonly unknown[]): Promise<void> {
    await this.#inTurn(identity.deviceId, (leave) => {
      const { accepted } = this.#read(identity, changes);
      return this.#apply(accepted, { identity, isOurs: false }, leave);
    });
  }

  /** After the device's earlier batches, and one of a few at a time; `leave` lets the next one in before the end. */
  #inTurn<T>(deviceId: string, operation: (leave: () => void) => Promise<T>): Promise<T> {
    return this.#turns.run(deviceId, async () => {
      const leave = await this.#slots.enter('');
      try {
        return await operation(leave);
      } finally {
        leave();
      }
    });
  }

  #tell(identity: SyncIdentity, verb: SyncVerb, item: StoredItem): void {
    const { sender, syncDown } = this.#options;
    void sender.send(identity.deviceId, verb, item).outcome.then((outcome) => {
      if (outcome === 'dropped') syncDown.again(identity, arrivalOf(item));
    });
  }

  #read(
    identity: SyncIdentity,
    changes: readonly unknown[],
  ): { accepted: IncomingChange[]; unknown: unknown[] } {
    const { schema, complaints } = this.#options;
    const { deviceId } = identity;
    const accepted: IncomingChange[] = [];
    const unknown: unknown[] = [];
    for (const change of changes) {
      const read = readChange(change, { schema, identity });
      if ('accepted' in read) {
        accepted.push(read.accepted);
        continue;
      }
      const { refused: why, isUnknown } = read;
      if (isUnknown) {
        unknown.push(change);
        continue;
      }
      const item = nameOfChange(change)?.slice(0, 200);
      complaints.of(deviceId, 'change of a device dropped', { item, why });
    }
    return { accepted, unknown };
  }

  async #apply(
    changes: readonly IncomingChange[],
    { identity, isOurs, batch }: { identity: SyncIdentity; isOurs: boolean; batch?: AgreedBatch },
    leave: () => void,
  ): Promise<{ told: SyncPlan['told']; note?: Note }> {
    if (changes.length === 0 && !batch) return { told: [] };
    const { store, arrivals, clock, agreed } = this.#options;
    const { deviceId } = identity;
    const { keys, storedOf } = heldUnder(changes);
    const arrival = await arrivals.next();
    const from = { deviceId, isOurs, isLean: batch?.peer.can.has('lean'), arrived: arrival.time };
    let plan: SyncPlan = { writes: [], told: [], conflicts: [] };
    let note: Note | undefined;
    let log: LogEntries = { writes: [], fresh: 0 };
    let logged: readonly StoredItem[] | undefined;
    const isDecided = () => plan.conflicts.length === 0 || logged !== undefined;
    try {
      do {
        // Conflicts are rare: what is logged of the device is read only when there is one, and then all is decided anew.
        if (!isDecided()) logged = await this.#logged(identity);
        await store.update(batch ? [...keys, agreed.placeOf(identity)] : keys, (items) => {
          const moment = { ...from, now: clock.now() };
          plan = planSync(changes, storedOf(items), moment);
          note = batch && agreed.note(identity, batch, items[keys.length]);
          leave();
          if (!isDecided()) return [];
          log = conflictWrites(identity, plan.conflicts, { ...moment, logged: logged ?? [] });
          return [...plan.writes, ...log.writes, ...(note ? [{ put: note.record }] : [])];
        });
      } while (!isDecided());
      if (batch) agreed.durable(batch);
      await forgetOldMarks(store, plan.writes, clock.now());
      if (log.fresh > 0) this.#conflicted(identity, log.fresh);
      return { told: plan.told, note };
    } finally {
      arrival.end();
    }
  }

  /** The data does not wait for a log that cannot be read. */
  async #logged(identity: SyncIdentity): Promise<StoredItem[]> {
    const { store, logger } = this.#options;
    return loggedConflicts(store, identity).catch((error) => {
      logger.error({ ...identity, error: messageOf(error) }, 'cannot read what conflicts are logged');
      return [];
    });
  }

  #conflicted(identity: SyncIdentity, conflicts: number): void {
    this.#counts.conflicts += conflicts;
    this.#options.logger.info(
      { ...identity, conflicts },
      'changes that contradict others: see /device/conflicts',
    );
  }

  /** By the contract. Returns what the device is to be told beside. */
  #acknowledge(
    deviceId: string,
    { seq, keys: lists, told }: { seq: number; keys: readonly string[]; told: SyncPlan['told'] },
  ): SyncPlan['told'] {
    const { endpoint, clock } = this.#options;
    const updated = JSON.stringify(isoTime(clock));
    const topic = deviceTopic.sync(deviceId, 'SYNC');
    for (const keys of lists) {
      const payload = `{"seq":${JSON.stringify(seq)},"keys":[${keys}],"updated":${updated}}`;
      void endpoint.deliver(deviceId, topic, payload);
    }
    this.#relieve(deviceId);
    return told;
  }

  /** Asks a device that keeps no pace for less, when there is no other way. */
  #relieve(deviceId: string): void {
    const { endpoint, clock, pace } = this.#options;
    if (!pace.throttles(deviceId)) return;
    const payload = JSON.stringify({ timestamp: clock.now(), close: false });
    void endpoint.deliver(deviceId, deviceTopic.throttle(deviceId), payload);
  }
}

function seqOf(message: unknown): number {
  const { seq } = (message ?? {}) as { seq?: unknown };
  return typeof seq === 'number' ? seq : 0;
}

/** The keys of what a batch is decided on: each item once, and then its mark. */
function heldUnder(changes: readonly IncomingChange[]): {
  keys: StoredKey[];
  storedOf(items: readonly (StoredItem | undefined)[]): Map<string, Current>;
} {
  const byId = new Map(changes.map(({ id, item }) => [id, item]));
  const places = [...byId.values()];
  const partitions = new Map(places.map(({ pk }) => [pk, gonePartition(pk)]));
  const marks = places.map(({ pk, sk }) => ({ pk: partitions.get(pk) as string, sk }));
  const storedOf = (items: readonly (StoredItem | undefined)[]) => {
    const stored = new Map<string, Current>();
    let at = 0;
    for (const id of byId.keys()) {
      const item = items[at];
      stored.set(id, { item, mark: item ? undefined : items[at + places.length] });
      at += 1;
    }
    return stored;
  };
  return { keys: [...places, ...marks], storedOf };
}

/**
 * The keys of a batch as JSON, in lists that agents in the field can read; one empty list for none, for the agent waits
 * for its number.
 */
function inMessages(changes: readonly unknown[]): string[] {
  const parts: string[] = [];
  const seen = new Set<string>();
  let part = '';
  let bytes = 0;
  for (const change of changes) {
    const name = nameOfChange(change);
    if (name === undefined || seen.has(name)) continue;
    seen.add(name);
    const key = JSON.stringify(name);
    const more = Buffer.byteLength(key) + 1;
    if (bytes + more > LARGEST_ACKNOWLEDGEMENT && bytes > 0) {
      parts.push(part);
      part = '';
      bytes = 0;
    }
    part = bytes === 0 ? key : `${part},${key}`;
    bytes += more;
  }
  return [...parts, part];
}
