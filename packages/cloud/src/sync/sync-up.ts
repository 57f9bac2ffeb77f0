import type { Schema } from '@ioto/database';
import { deviceTopic, type SyncVerb } from '@ioto/protocol';
import { type Clock, CodedError, isCodedError, isoTime, type Logger } from '@ioto/runtime';
import { Turns } from '../devices/turns.ts';
import type { DeviceEndpoint } from '../ports/device-endpoint.ts';
import type { ItemStore, StoredItem } from '../ports/item-store.ts';
import type { Agreed, AgreedBatch } from './agreed.ts';
import type { Arrivals } from './arrivals.ts';
import type { Note } from './confirmed.ts';
import { conflictWrites, forgetOldConflicts } from './conflict-log.ts';
import { forgetOldMarks, gonePartition } from './gone-marks.ts';
import type { ItemSender } from './item-sender.ts';
import type { Quarantine } from './quarantine.ts';
import type { SyncDown } from './sync-down.ts';
import { arrivalOf } from './sync-facts.ts';
import { type Current, idOf, planSync, type SyncPlan } from './sync-plan.ts';
import { type IncomingChange, nameOfChange, readChange, type SyncIdentity } from './wire-item.ts';

/** How often a batch is planned anew because somebody else wrote one of its items meanwhile. */
const ATTEMPTS = 20;
/** Changes that one message may carry. */
const MAX_CHANGES = 10_000;
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
    const { store, arrivals, clock, agreed } = this.#options;
    const from = { deviceId: identity.deviceId, isOurs, isLean: batch?.peer.can.has('lean') };
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const stored = await this.#stored(changes);
      const note = batch && (await agreed.note(identity, batch));
      const arrival = await arrivals.next();
      try {
        const now = clock.now();
        const moment = { ...from, now, arrived: arrival.time };
        const { writes, told, conflicts } = planSync(changes, stored, moment);
        writes.push(...conflictWrites(identity, conflicts, moment));
        if (note) writes.push(...note.writes);
        if (writes.length > 0) await store.write(writes);
        await forgetOldMarks(store, writes, now);
        if (conflicts.length > 0) await this.#conflicted(identity, conflicts.length);
        return { told, note };
      } catch (error) {
        if (!isCodedError(error, 'CONDITION_FAILED')) throw error;
      } finally {
        arrival.end();
      }
    }
    throw new CodedError(
      'SYNC_CONTENDED',
      `the items of a batch changed ${ATTEMPTS} times while it was applied`,
      {
        status: 503,
        retryable: true,
      },
    );
  }

  async #conflicted(identity: SyncIdentity, conflicts: number): Promise<void> {
    const { store, logger } = this.#options;
    this.conflicts += conflicts;
    logger.info({ ...identity, conflicts }, 'changes that contradict others: see /device/conflicts');
    await forgetOldConflicts(store, identity);
  }

  async #stored(changes: readonly IncomingChange[]): Promise<Map<string, Current>> {
    const { store } = this.#options;
    const stored = new Map<string, Current>();
    for (const { item } of changes) {
      const id = idOf(item);
      if (stored.has(id)) continue;
      const held = await store.get(item.pk, item.sk);
      const mark = held ? undefined : await store.get(gonePartition(item.pk), item.sk);
      stored.set(id, { item: held, mark });
    }
    return stored;
  }

  /** By the contract. Returns what the device is to be told beside. */
  #acknowledge(
    deviceId: string,
    changes: readonly unknown[],
    { seq, told }: { seq: number; told: SyncPlan['told'] },
  ): SyncPlan['told'] {
    const { endpoint, clock, agreed } = this.#options;
    const keys = [...new Set(changes.flatMap((change) => nameOfChange(change) ?? []))];
    const updated = isoTime(clock);
    for (const part of inMessages(keys)) {
      const payload = JSON.stringify({ seq, keys: part, updated });
      void endpoint.deliver(deviceId, deviceTopic.sync(deviceId, 'SYNC'), payload);
    }
    agreed.relieve(deviceId);
    return told;
  }
}

/** The keys of a batch in lists that agents in the field can read; one empty list for none, for the agent waits for its number. */
function inMessages(keys: readonly string[]): string[][] {
  const parts: string[][] = [[]];
  let bytes = 0;
  for (const key of keys) {
    const more = Buffer.byteLength(JSON.stringify(key)) + 1;
    if (bytes + more > LARGEST_ACKNOWLEDGEMENT && bytes > 0) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(key);
    bytes += more;
  }
  return parts;
}
