import type { Schema } from '@ioto/database';
import { deviceTopic, type SyncVerb } from '@ioto/protocol';
import { type Clock, isoTime, type Logger } from '@ioto/runtime';
import { Turns } from '../devices/turns.ts';
import { Slots } from '../limits/slots.ts';
import type { DeviceEndpoint } from '../ports/device-endpoint.ts';
import type { ItemStore, StoredItem, StoredKey } from '../ports/item-store.ts';
import type { Agreed, AgreedBatch } from './agreed.ts';
import type { Arrivals } from './arrivals.ts';
import type { Note } from './confirmed.ts';
import { conflictWrites, forgetOldConflicts } from './conflict-log.ts';
import { forgetOldMarks, gonePartition } from './gone-marks.ts';
import type { ItemSender } from './item-sender.ts';
import type { Quarantine } from './quarantine.ts';
import type { SyncDown } from './sync-down.ts';
import { arrivalOf } from './sync-facts.ts';
import { type Current, planSync, type SyncPlan } from './sync-plan.ts';
import { type IncomingChange, nameOfChange, readChange, type SyncIdentity } from './wire-item.ts';

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
  syncDown: Pick<SyncDown, 'again'>;
  clock: Clock;
  logger: Logger;
}

/** Takes what devices send of their databases: `…/db/syncToDynamo` and `…/store/set` (Ioto contract §7). */
export class SyncUp {
  readonly #options: SyncUpOptions;
  /** The batches of one device are applied in the order in which it sent them. */
  readonly #turns = new Turns();
  /** Found since the cloud started. */
  conflicts = 0;
  /** What one commit decides is decided in one go, while everything else waits. */
  readonly #slots = new Slots(MOST_TOGETHER);

  constructor(options: SyncUpOptions) {
    this.#options = options;
  }

  /**
   * Resolves when the batch is durable; then the device is told. Every key is acknowledged, also of what was stale or
   * refused.
   *
   * @param isOurs The agent is one of ours rather than of the old dialect.
   */
  async receive(identity: SyncIdentity, message: unknown, isOurs: boolean): Promise<void> {
    const { deviceId } = identity;
    const { seq, changes } = (message ?? {}) as { seq?: unknown; changes?: unknown };
    if (!Array.isArray(changes) || changes.length > MAX_CHANGES) {
      this.#options.logger.warn({ deviceId }, 'sync message without a list of changes ignored');
      return;
    }
    const { agreed } = this.#options;
    const batch = agreed.batch(deviceId, message as object);
    const { accepted, unknown } = this.#read(identity, changes);
    const ended = agreed.begin();
    const { told, note } = await this.#turns
      .run(deviceId, async () => {
        if (unknown.length > 0) await this.#options.quarantine.keep(identity, unknown);
        return this.#apply(accepted, { identity, isOurs, batch });
      })
      .finally(ended);
    agreed.took(changes.length, note);
    const answer = { seq: typeof seq === 'number' ? seq : 0, told };
    const left =
      batch && note
        ? agreed.acknowledge(deviceId, batch, { ...answer, through: note.through })
        : this.#acknowledge(deviceId, changes, answer);
    for (const { item, removed } of left) this.#tell(identity, removed ? 'REMOVE' : 'MODIFY', item);
  }

  /** One Store item; the time is the cloud's, for the message carries none. */
  async storeSet(identity: SyncIdentity, message: unknown): Promise<void> {
    const { key, value, type } = (message ?? {}) as Record<string, unknown>;
    const change = { cmd: 'upsert', item: { _type: 'Store', key, value, type } };
    await this.takeIn(identity, [change]);
  }

  /** Applies changes that no acknowledgement waits for; resolves when they are durable. */
  async takeIn(identity: SyncIdentity, changes: readonly unknown[]): Promise<void> {
    const { accepted } = this.#read(identity, changes);
    await this.#turns.run(identity.deviceId, () => this.#apply(accepted, { identity, isOurs: false }));
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
    const { schema, logger } = this.#options;
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
      const facts = { deviceId: identity.deviceId, item: nameOfChange(change)?.slice(0, 200), why };
      logger.warn(facts, 'change of a device dropped');
    }
    return { accepted, unknown };
  }

  async #apply(
    changes: readonly IncomingChange[],
    { identity, isOurs, batch }: { identity: SyncIdentity; isOurs: boolean; batch?: AgreedBatch },
  ): Promise<{ told: SyncPlan['told']; note?: Note }> {
    if (changes.length === 0 && !batch) return { told: [] };
    const { store, arrivals, clock, agreed } = this.#options;
    const { deviceId } = identity;
    const { keys, storedOf } = heldUnder(changes);
    const arrival = await arrivals.next();
    const from = { deviceId, isOurs, isLean: batch?.peer.can.has('lean'), arrived: arrival.time };
    const leave = await this.#slots.enter('');
    let plan: SyncPlan = { writes: [], told: [], conflicts: [] };
    let note: Note | undefined;
    try {
      await store.update(batch ? [...keys, agreed.placeOf(identity)] : keys, (items) => {
        const moment = { ...from, now: clock.now() };
        plan = planSync(changes, storedOf(items), moment);
        note = batch && agreed.note(identity, batch, items[keys.length]);
        leave();
        const conflicts = conflictWrites(identity, plan.conflicts, moment);
        return [...plan.writes, ...conflicts, ...(note ? [{ put: note.record }] : [])];
      });
      if (batch) agreed.durable(batch);
      await forgetOldMarks(store, plan.writes, clock.now());
      if (plan.conflicts.length > 0) await this.#conflicted(identity, plan.conflicts.length);
      return { told: plan.told, note };
    } finally {
      leave();
      arrival.end();
    }
  }

  async #conflicted(identity: SyncIdentity, conflicts: number): Promise<void> {
    const { store, logger } = this.#options;
    this.conflicts += conflicts;
    logger.info({ ...identity, conflicts }, 'changes that contradict others: see /device/conflicts');
    await forgetOldConflicts(store, identity);
  }

  /** By the contract. Returns what the device is to be told beside. */
  #acknowledge(
    deviceId: string,
    changes: readonly unknown[],
    { seq, told }: { seq: number; told: SyncPlan['told'] },
  ): SyncPlan['told'] {
    const { endpoint, clock, agreed } = this.#options;
    const updated = JSON.stringify(isoTime(clock));
    const topic = deviceTopic.sync(deviceId, 'SYNC');
    for (const keys of inMessages(changes)) {
      const payload = `{"seq":${JSON.stringify(seq)},"keys":[${keys}],"updated":${updated}}`;
      void endpoint.deliver(deviceId, topic, payload);
    }
    agreed.relieve(deviceId);
    return told;
  }
}

/** The keys of what a batch is decided on: each item once, and then its mark. */
function heldUnder(changes: readonly IncomingChange[]): {
  keys: StoredKey[];
  storedOf(items: readonly (StoredItem | undefined)[]): Map<string, Current>;
} {
  const byId = new Map(changes.map(({ id, item }) => [id, item]));
  const places = [...byId.values()];
  const marks = places.map(({ pk, sk }) => ({ pk: gonePartition(pk), sk }));
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
