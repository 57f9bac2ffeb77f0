import type { Schema } from '@ioto/database';
import { itemsTopic } from '@ioto/protocol';
import type { DeviceEndpoint } from '../ports/device-endpoint.ts';
import { FeedFollower } from '../ports/feed-follower.ts';
import type { ItemChange, ItemStore, StoredItem } from '../ports/item-store.ts';
import { isGonePartition, isRenewedMark, removalOf } from '../sync/items/gone-marks.ts';
import { EVERY_DEVICE, wireItem } from '../sync/items/wire-item.ts';

export interface ItemFeedOptions {
  schema: Schema;
  store: Pick<ItemStore, 'onChange'>;
  endpoint: Pick<DeviceEndpoint, 'publish' | 'hasSubscribers'>;
}

/** Where the items of released devices are kept. */
const ARCHIVE = 'archive#';

/**
 * Tells tools of every version of an item that was committed, whoever made it: a device, its owner, or the cloud. It costs
 * nothing as long as no tool has subscribed. What expires, and a Command that was delivered, goes without a word.
 */
export class ItemFeed extends FeedFollower {
  override readonly name = 'item feed';
  readonly #options: ItemFeedOptions;

  constructor(options: ItemFeedOptions) {
    super(options.store);
    this.#options = options;
  }

  protected override changed(change: ItemChange): void {
    const { pk, after } = change;
    if (!after || isRenewedMark(change) || !this.#options.endpoint.hasSubscribers(itemsTopic.all)) return;
    const model = this.#options.schema.models.get(String(after._type));
    if (!model || pk.startsWith(ARCHIVE)) return;
    if (!isGonePartition(pk)) this.#tell(after);
    else this.#tell({ ...removalOf(model, after), removed: true });
  }

  #tell(item: StoredItem): void {
    const { endpoint } = this.#options;
    const { accountId, _type: model } = item;
    if (typeof accountId !== 'string' || !endpoint.hasSubscribers(itemsTopic.ofAccount(accountId))) return;
    const device = model === 'Device' ? item.id : item.deviceId;
    const deviceId = typeof device === 'string' ? device : EVERY_DEVICE;
    endpoint.publish(itemsTopic.item(accountId, deviceId, String(model)), wireItem(item));
  }
}
