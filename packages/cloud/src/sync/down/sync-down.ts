import type { Model, Schema } from '@ioto/database';
import { deviceTopic } from '@ioto/protocol';
import { type Clock, type Component, type Logger, messageOf } from '@ioto/runtime';
import type { BroadcastsDown } from '../../cloud-broadcasts/broadcasts-down.ts';
import type { DeviceEndpoint } from '../../ports/device-endpoint.ts';
import type { ItemStore, StoredItem } from '../../ports/item-store.ts';
import type { Arrivals } from '../items/arrivals.ts';
import { gonePartition, removalOf } from '../items/gone-marks.ts';
import { arrivalOf } from '../items/sync-facts.ts';
import { tenantRange } from '../items/tenant-key.ts';
import { EVERY_DEVICE, type SyncIdentity } from '../items/wire-item.ts';
import { DeliveryWindow } from './delivery-window.ts';
import type { ItemSender } from './item-sender.ts';

/** Milliseconds until a device that had no room for an item is sent it again. */
const AGAIN_AFTER = 10_000;

export interface SyncDownOptions {
  schema: Schema;
  store: ItemStore;
  endpoint: Pick<DeviceEndpoint, 'deliver' | 'disconnect' | 'isConnected'>;
  sender: ItemSender;
  arrivals: Arrivals;
  broadcasts: Pick<BroadcastsDown, 'since'>;
  clock: Clock;
  logger: Logger;
}

/** What a device asked for, or is to be sent again. */
interface Asked {
  identity: SyncIdentity;
  since: string;
  /** The device did not ask: it is not told of the end. */
  isUnasked?: boolean;
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
export class SyncDown implements Component {
  readonly name = 'sync down';
  readonly #options: SyncDownOptions;
  /** By device. */
  readonly #runs = new Map<string, Run>();
  /** What is to be sent again, by device. */
  readonly #again = new Map<string, Asked & { cancel: () => void }>();

  constructor(options: SyncDownOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {}

  async stop(): Promise<void> {
    for (const { cancel } of this.#again.values()) cancel();
    this.#again.clear();
  }

  /** A device had no room for what came in at `arrived`: after a while it is sent that and what came in later. */
  again(identity: SyncIdentity, arrived: string): void {
    const { deviceId } = identity;
    const earlier = this.#again.get(deviceId);
    earlier?.cancel();
    const before = new Date(Date.parse(arrived) - 1).toISOString();
    const since = earlier && earlier.since < before ? earlier.since : before;
    const cancel = this.#options.clock.after(AGAIN_AFTER, () => this.#sendAgain(deviceId), { unref: true });
    this.#again.set(deviceId, { identity, since, isUnasked: true, cancel });
  }

  #sendAgain(deviceId: string): void {
    const asked = this.#again.get(deviceId);
    // One that is gone asks itself when it is back.
    if (!asked || !this.#options.endpoint.isConnected(deviceId)) {
      this.#again.delete(deviceId);
      return;
    }
    const { identity, since } = asked;
    if (this.#runs.has(deviceId)) {
      this.again(identity, since);
      return;
    }
    this.#again.delete(deviceId);
    this.#start({ identity, since, isUnasked: true });
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
    if (since < run.since || run.isUnasked || identity.accountId !== run.identity.accountId)
      run.window.close();
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
        if (run.isUnasked && end === undefined && !run.next) this.again(run.identity, run.since);
        if (run.next) this.#start({ ...run.next, since: end ?? run.next.since });
      });
  }

  /** Resolves with the time that the device has everything of, or with undefined when it has not. */
  async #send(run: Run): Promise<string | undefined> {
    const { schema, endpoint, arrivals, logger } = this.#options;
    const { identity, since, window, isUnasked } = run;
    const { deviceId } = identity;
    const settled = arrivals.settled();
    for (const model of schema.models.values()) {
      if (model.sync === 'down' || model.sync === 'both') await this.#sendModel(model, run);
    }
    await this.#sendBroadcasts(run);
    if (!(await window.settled())) {
      logger.info({ deviceId, since }, 'sync down not completed: the device has not taken every item');
      return undefined;
    }
    // Not before what the device had already, unless that lies ahead of the cloud's clock.
    const latest = Date.parse(since) <= settled + 1000 ? Math.max(settled, Date.parse(since)) : settled;
    const updated = new Date(latest).toISOString();
    if (!isUnasked) {
      void endpoint.deliver(deviceId, deviceTopic.sync(deviceId, 'SYNCDOWN'), JSON.stringify({ updated }));
    }
    return updated;
  }

  async #sendModel(model: Model, run: Run): Promise<void> {
    const { identity, since } = run;
    for (const { pk, begins } of rangesOf(model, identity)) {
      for await (const item of this.#scan(pk, begins)) {
        // A Command is there only as long as it has not been delivered: then it is due, whenever it was made.
        if (!isOf(item, identity) || (model.name !== 'Command' && arrivalOf(item) <= since)) continue;
        if (!(await this.#sendItem(run, 'UPSERT', item))) return;
      }
      for await (const mark of this.#scan(gonePartition(pk), begins)) {
        if (arrivalOf(mark) <= since) continue;
        if (!(await this.#sendItem(run, 'REMOVE', mark, (found) => removalOf(model, found)))) return;
      }
    }
  }

  /** The operator's, to all accounts. */
  async #sendBroadcasts({ identity, since, window }: Run): Promise<void> {
    const { broadcasts, sender } = this.#options;
    for await (const { verb, item } of broadcasts.since(identity, since)) {
      if (!(await window.room())) return;
      window.add(sender.send(identity.deviceId, verb, item));
    }
  }

  /** Sends one item when there is room for it; false when the rest need not be sent. */
  async #sendItem(
    { identity, window }: Run,
    verb: 'UPSERT' | 'REMOVE',
    scanned: StoredItem,
    asSent: (item: StoredItem) => StoredItem = (item) => item,
  ): Promise<boolean> {
    if (!(await window.room())) return false;
    // The wait may have been long: what went down live meanwhile must not be followed by what was before it.
    const item = await this.#options.store.get(scanned.pk, scanned.sk);
    if (item && (verb === 'REMOVE' || isOf(item, identity))) {
      window.add(this.#options.sender.send(identity.deviceId, verb, asSent(item)));
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
export function rangesOf(
  model: Model,
  { accountId, deviceId }: SyncIdentity,
): { pk: string; begins: string }[] {
  const ranges = [deviceId, EVERY_DEVICE].flatMap((id) => {
    const tenant = { accountId, deviceId: id };
    const { pk, sk } = tenantRange(model, model.keyRange({}, tenant), tenant);
    return pk === undefined ? [] : [{ pk, begins: sk }];
  });
  const [own, every] = ranges;
  return own && every && own.pk === every.pk && own.begins === every.begins ? [own] : ranges;
}

/** The certificate's account decides, also where a schema's keys do not carry it. */
export function isOf(item: StoredItem, { accountId, deviceId }: SyncIdentity): boolean {
  if (item.accountId !== accountId) return false;
  return item.deviceId === undefined || item.deviceId === deviceId || item.deviceId === EVERY_DEVICE;
}

function readTime(timestamp: unknown): string {
  const time =
    typeof timestamp === 'string' || typeof timestamp === 'number' ? new Date(timestamp) : new Date(0);
  return Number.isNaN(time.getTime()) ? new Date(0).toISOString() : time.toISOString();
}
