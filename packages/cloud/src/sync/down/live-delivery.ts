import type { Model, Schema } from '@ioto/database';
import type { SyncVerb } from '@ioto/protocol';
import { type Logger, messageOf } from '@ioto/runtime';
import type { DeviceEndpoint } from '../../ports/device-endpoint.ts';
import { FeedFollower } from '../../ports/feed-follower.ts';
import type { ItemChange, ItemStore, StoredItem } from '../../ports/item-store.ts';
import { isGonePartition, isRenewedMark, removalOf } from '../items/gone-marks.ts';
import { arrivalOf, syncFactsOf } from '../items/sync-facts.ts';
import { EVERY_DEVICE, type SyncIdentity } from '../items/wire-item.ts';
import type { ItemSender } from './item-sender.ts';
import type { SyncDown } from './sync-down.ts';

export interface LiveDeliveryOptions {
  schema: Schema;
  store: ItemStore;
  endpoint: Pick<DeviceEndpoint, 'isConnected'>;
  sender: ItemSender;
  syncDown: Pick<SyncDown, 'again'>;
  /** The IDs of an account's devices. */
  devices: { know(accountId: string): Promise<Iterable<string>> };
  logger: Logger;
}

/** Sends changes of the models that sync down to connected devices as they are committed; the others ask when they come. */
export class LiveDelivery extends FeedFollower {
  override readonly name = 'live delivery';
  readonly #options: LiveDeliveryOptions;

  constructor(options: LiveDeliveryOptions) {
    super(options.store);
    this.#options = options;
  }

  /** What is gone without a mark was delivered, or has expired: devices know of it. */
  protected override changed(change: ItemChange): void {
    const { pk, before, after } = change;
    if (!after || isRenewedMark(change)) return;
    const model = this.#options.schema.models.get(String(after._type));
    if (!model || (model.sync !== 'down' && model.sync !== 'both')) return;
    if (!isGonePartition(pk)) this.#send(model, before ? 'MODIFY' : 'INSERT', after);
    else this.#send(model, 'REMOVE', removalOf(model, after));
  }

  /** A device's own change is not sent back to it alone; on the account's topic it hears of it, and holds it already. */
  #send(model: Model, verb: SyncVerb, item: StoredItem): void {
    const { sender } = this.#options;
    const { accountId, deviceId } = item;
    if (typeof accountId !== 'string') return;
    if (typeof deviceId === 'string' && deviceId !== EVERY_DEVICE)
      this.#sendTo({ accountId, deviceId }, verb, item);
    else if (model.merges) void this.#sendToEach(accountId, verb, item);
    else sender.sendToAccount(accountId, verb, item);
  }

  /** By itself to each device of the account, since only those that have agreed get the times of its fields. */
  async #sendToEach(accountId: string, verb: SyncVerb, item: StoredItem): Promise<void> {
    const { devices, logger } = this.#options;
    try {
      for (const deviceId of await devices.know(accountId)) this.#sendTo({ accountId, deviceId }, verb, item);
    } catch (error) {
      logger.error(
        { accountId, error: messageOf(error) },
        'cannot tell devices of a change: they hear of it later',
      );
    }
  }

  #sendTo(identity: SyncIdentity, verb: SyncVerb, item: StoredItem): void {
    const { endpoint, sender, syncDown } = this.#options;
    const { deviceId } = identity;
    if (syncFactsOf(item)?.by === deviceId || !endpoint.isConnected(deviceId)) return;
    void sender.send(deviceId, verb, item).outcome.then((outcome) => {
      if (outcome === 'dropped') syncDown.again(identity, arrivalOf(item));
    });
  }
}
