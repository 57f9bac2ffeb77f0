import type { Schema } from '@ioto/database';
import { deviceTopic } from '@ioto/protocol';
import { type Clock, CodedError, isCodedError, isoTime, type Logger } from '@ioto/runtime';
import { Turns } from '../devices/turns.ts';
import type { DeviceEndpoint } from '../ports/device-endpoint.ts';
import type { ItemStore } from '../ports/item-store.ts';
import type { Echoes } from './echoes.ts';
import { forgetOldMarks } from './gone-marks.ts';
import type { ItemSender } from './item-sender.ts';
import { type Current, gonePartition, idOf, planSync, type SyncPlan } from './sync-plan.ts';
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
  echoes: Echoes;
  clock: Clock;
  logger: Logger;
}

/** Takes what devices send of their databases: `…/db/syncToDynamo` and `…/store/set` (Ioto contract §7). */
export class SyncUp {
  readonly #options: SyncUpOptions;
  /** The batches of one device are applied in the order in which it sent them. */
  readonly #turns = new Turns();

  constructor(options: SyncUpOptions) {
    this.#options = options;
  }

  /** Resolves when the batch is durable; then the device is told. Every key is acknowledged, also of what was stale or refused. */
  async receive(identity: SyncIdentity, message: unknown): Promise<void> {
    const { seq, changes } = (message ?? {}) as { seq?: unknown; changes?: unknown };
    if (!Array.isArray(changes) || changes.length > MAX_CHANGES) {
      this.#options.logger.warn(
        { deviceId: identity.deviceId },
        'sync message without a list of changes ignored',
      );
      return;
    }
    const accepted = this.#read(identity, changes);
    const newer = await this.#turns.run(identity.deviceId, () => this.#apply(accepted));
    const keys = [...new Set(changes.flatMap((change) => nameOfChange(change) ?? []))];
    this.#acknowledge(identity.deviceId, typeof seq === 'number' ? seq : 0, keys);
    for (const { item, removed } of newer) {
      this.#options.sender.send(identity.deviceId, removed ? 'REMOVE' : 'MODIFY', item);
    }
  }

  /** One Store item; the time is the cloud's, for the message carries none. */
  async storeSet(identity: SyncIdentity, message: unknown): Promise<void> {
    const { key, value, type } = (message ?? {}) as Record<string, unknown>;
    const updated = isoTime(this.#options.clock);
    const change = { cmd: 'upsert', item: { _type: 'Store', key, value, type, updated } };
    await this.#turns.run(identity.deviceId, () => this.#apply(this.#read(identity, [change])));
  }

  #read(identity: SyncIdentity, changes: readonly unknown[]): IncomingChange[] {
    const { schema, clock, logger } = this.#options;
    const now = isoTime(clock);
    return changes.flatMap((change) => {
      const read = readChange(change, { schema, identity, now });
      if ('accepted' in read) return read.accepted;
      logger.warn(
        { deviceId: identity.deviceId, item: nameOfChange(change)?.slice(0, 200), why: read.refused },
        'change of a device dropped',
      );
      return [];
    });
  }

  async #apply(changes: readonly IncomingChange[]): Promise<SyncPlan['newer']> {
    const { store, echoes, clock } = this.#options;
    const goesDown = changes.some(({ model }) => model.sync === 'both');
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const plan = planSync(changes, await this.#stored(changes), isoTime(clock));
      if (plan.writes.length === 0) return plan.newer;
      const expected = echoes.expect(goesDown ? plan.writes : []);
      try {
        await store.write(plan.writes);
        await forgetOldMarks(store, plan.writes, clock.now());
        return plan.newer;
      } catch (error) {
        expected.cancel();
        if (!isCodedError(error, 'CONDITION_FAILED')) throw error;
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

  async #stored(changes: readonly IncomingChange[]): Promise<Map<string, Current>> {
    const { store } = this.#options;
    const stored = new Map<string, Current>();
    for (const { item } of changes) {
      const id = idOf(item);
      if (stored.has(id)) continue;
      const held = await store.get(item.pk, item.sk);
      const gone = held ? undefined : await store.get(gonePartition(item.pk), item.sk);
      stored.set(id, { item: held, gone: gone ? String(gone.updated) : undefined });
    }
    return stored;
  }

  #acknowledge(deviceId: string, seq: number, keys: readonly string[]): void {
    const { endpoint, clock } = this.#options;
    const updated = isoTime(clock);
    for (const part of inMessages(keys)) {
      const payload = JSON.stringify({ seq, keys: part, updated });
      void endpoint.deliver(deviceId, deviceTopic.sync(deviceId, 'SYNC'), payload);
    }
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
