import type { Model, Schema } from '@ioto/database';
import { deviceTopic } from '@ioto/protocol';
import type { Clock } from '@ioto/runtime';
import type { DeviceEndpoint } from '../ports/device-endpoint.ts';
import type { ItemStore, StoredItem } from '../ports/item-store.ts';
import type { ItemSender } from './item-sender.ts';
import { gonePartition } from './sync-plan.ts';
import { EVERY_DEVICE, type SyncIdentity } from './wire-item.ts';

/**
 * How far behind the present the end of a sync down is dated, in milliseconds: a write that was being committed during
 * the scan carries a time of before it. What is sent twice for it does no harm.
 */
const MARGIN = 1000;

export interface SyncDownOptions {
  schema: Schema;
  store: ItemStore;
  endpoint: Pick<DeviceEndpoint, 'deliver'>;
  sender: ItemSender;
  clock: Clock;
}

/** Sends a device what changed while it was away: `…/db/syncDown` (Ioto contract §7). */
export class SyncDown {
  readonly #options: SyncDownOptions;

  constructor(options: SyncDownOptions) {
    this.#options = options;
  }

  async receive(identity: SyncIdentity, message: unknown): Promise<void> {
    const { schema, endpoint, clock } = this.#options;
    const since = readTime((message as { timestamp?: unknown } | null)?.timestamp);
    const now = clock.now();
    for (const model of schema.models.values()) {
      if (model.sync === 'down' || model.sync === 'both') await this.#sendModel(model, identity, since);
    }
    const updated = new Date(Math.max(now - MARGIN, Math.min(Date.parse(since), now))).toISOString();
    void endpoint.deliver(
      identity.deviceId,
      deviceTopic.sync(identity.deviceId, 'SYNCDOWN'),
      JSON.stringify({ updated }),
    );
  }

  async #sendModel(model: Model, identity: SyncIdentity, since: string): Promise<void> {
    const { sender } = this.#options;
    for (const { pk, begins } of rangesOf(model, identity)) {
      for await (const item of this.#scan(pk, begins)) {
        // A Command is there only as long as it has not been delivered: then it is due, whenever it was made.
        if (isOf(item, identity) && (model.name === 'Command' || String(item.updated) > since)) {
          sender.send(identity.deviceId, 'UPSERT', item);
        }
      }
      for await (const mark of this.#scan(gonePartition(pk), begins)) {
        if (String(mark.updated) <= since) continue;
        const properties = model.parseSortKey(mark.sk);
        sender.send(identity.deviceId, 'REMOVE', { ...properties, ...mark, _type: model.name });
      }
    }
  }

  async *#scan(pk: string, begins: string): AsyncGenerator<StoredItem> {
    let after: string | undefined;
    do {
      const page = await this.#options.store.query(pk, { begins, after });
      yield* page.items;
      after = page.next;
    } while (after !== undefined);
  }
}

/** Where the items of a model lie that go to this device: its own, and those for every device of the account. */
function rangesOf(model: Model, { accountId, deviceId }: SyncIdentity): { pk: string; begins: string }[] {
  const ranges = [deviceId, EVERY_DEVICE].flatMap((id) => {
    const { pk, sk } = model.keyRange({}, { accountId, deviceId: id });
    return pk === undefined ? [] : [{ pk, begins: sk }];
  });
  const [own, every] = ranges;
  return own && every && own.pk === every.pk && own.begins === every.begins ? [own] : ranges;
}

/** The certificate's account decides, also where a schema's keys do not carry it. */
function isOf(item: StoredItem, { accountId, deviceId }: SyncIdentity): boolean {
  if (item.accountId !== accountId) return false;
  return item.deviceId === undefined || item.deviceId === deviceId || item.deviceId === EVERY_DEVICE;
}

function readTime(timestamp: unknown): string {
  const time =
    typeof timestamp === 'string' || typeof timestamp === 'number' ? new Date(timestamp) : new Date(0);
  return Number.isNaN(time.getTime()) ? new Date(0).toISOString() : time.toISOString();
}
