import type { Model, Schema } from '@ioto/database';
import { deviceTopic } from '@ioto/protocol';
import { type Clock, type Logger, messageOf } from '@ioto/runtime';
import type { DeviceEndpoint } from '../ports/device-endpoint.ts';
import type { ItemStore, StoredItem } from '../ports/item-store.ts';
import { DeliveryWindow } from './delivery-window.ts';
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
  endpoint: Pick<DeviceEndpoint, 'deliver' | 'disconnect'>;
  sender: ItemSender;
  clock: Clock;
  logger: Logger;
}

/** What a device asked for. */
interface Asked {
  identity: SyncIdentity;
  since: string;
}

/** One sync down that is under way. */
interface Run extends Asked {
  window: DeliveryWindow;
  /** Asked for meanwhile: what changed while the device was away again may lie behind the scan. */
  next?: Asked;
}

/**
 * Sends a device what changed while it was away: `…/db/syncDown` (Ioto contract §7). Its end is sent only when the device
 * has acknowledged every item; without it the device asks for the same again.
 */
export class SyncDown {
  readonly #options: SyncDownOptions;
  /** By device. */
  readonly #runs = new Map<string, Run>();

  constructor(options: SyncDownOptions) {
    this.#options = options;
  }

  /** Returns at once: the items go at the pace at which the device acknowledges them, and it may have more to say meanwhile. */
  receive(identity: SyncIdentity, message: unknown): void {
    const since = readTime((message as { timestamp?: unknown } | null)?.timestamp);
    const run = this.#runs.get(identity.deviceId);
    if (!run) {
      this.#start({ identity, since });
      return;
    }
    run.next = { identity, since };
    // The run would not bring all that is asked for now, or is for an earlier owner.
    if (since < run.since || identity.accountId !== run.identity.accountId) run.window.close();
  }

  #start(asked: Asked): void {
    const { endpoint, logger } = this.#options;
    const { deviceId } = asked.identity;
    const run: Run = { ...asked, window: new DeliveryWindow() };
    this.#runs.set(deviceId, run);
    this.#send(run)
      .catch((error) => {
        run.next = undefined;
        logger.error({ deviceId, error: messageOf(error) }, 'cannot read what goes down to a device');
        // It asks again when it is back.
        endpoint.disconnect(deviceId);
        return undefined;
      })
      .then((end) => {
        this.#runs.delete(deviceId);
        if (run.next) this.#start({ ...run.next, since: end ?? run.next.since });
      });
  }

  /** Resolves with the time that the device has everything of, or with undefined when it has not. */
  async #send(run: Run): Promise<string | undefined> {
    const { schema, endpoint, clock, logger } = this.#options;
    const { identity, since, window } = run;
    const { deviceId } = identity;
    const now = clock.now();
    for (const model of schema.models.values()) {
      if (model.sync === 'down' || model.sync === 'both') await this.#sendModel(model, run);
    }
    if (!(await window.settled())) {
      logger.info({ deviceId, since }, 'sync down not completed: the device has not taken every item');
      return undefined;
    }
    const updated = new Date(Math.max(now - MARGIN, Math.min(Date.parse(since), now))).toISOString();
    void endpoint.deliver(deviceId, deviceTopic.sync(deviceId, 'SYNCDOWN'), JSON.stringify({ updated }));
    return updated;
  }

  async #sendModel(model: Model, run: Run): Promise<void> {
    const { identity, since } = run;
    for (const { pk, begins } of rangesOf(model, identity)) {
      for await (const item of this.#scan(pk, begins)) {
        // A Command is there only as long as it has not been delivered: then it is due, whenever it was made.
        if (!isOf(item, identity) || (model.name !== 'Command' && String(item.updated) <= since)) continue;
        if (!(await this.#sendItem(run, 'UPSERT', item))) return;
      }
      for await (const mark of this.#scan(gonePartition(pk), begins)) {
        if (String(mark.updated) <= since) continue;
        const named = { ...model.parseSortKey(mark.sk), _type: model.name };
        if (!(await this.#sendItem(run, 'REMOVE', mark, named))) return;
      }
    }
  }

  /** Sends one item when there is room for it; false when the rest need not be sent. */
  async #sendItem(
    { identity, window }: Run,
    verb: 'UPSERT' | 'REMOVE',
    scanned: StoredItem,
    named: Record<string, unknown> = {},
  ): Promise<boolean> {
    if (!(await window.room())) return false;
    // The wait may have been long: what went down live meanwhile must not be followed by what was before it.
    const item = await this.#options.store.get(scanned.pk, scanned.sk);
    if (item && (verb === 'REMOVE' || isOf(item, identity))) {
      window.add(this.#options.sender.send(identity.deviceId, verb, { ...item, ...named }));
    }
    return true;
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
