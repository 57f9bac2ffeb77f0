import { compareTimes, nextTime } from '@ioto/protocol';
import { type Logger, messageOf } from '@ioto/runtime';
import { everyItem } from '../identity/every-item.ts';
import { FeedFollower } from '../ports/feed-follower.ts';
import type { ItemChange, StoredItem } from '../ports/item-store.ts';
import type { ItemSender } from '../sync/down/item-sender.ts';
import { gonePartition, isGonePartition, isRenewedMark, removalOf } from '../sync/items/gone-marks.ts';
import { arrivalOf } from '../sync/items/sync-facts.ts';
import { EVERY_ACCOUNT, EVERY_DEVICE, type SyncIdentity } from '../sync/items/wire-item.ts';
import { type BroadcastEnds, broadcastKey, ownKeys, ownMarks } from './own-broadcasts.ts';

export interface BroadcastsDownOptions extends BroadcastEnds {
  sender: ItemSender;
  logger: Logger;
}

/** One of the operator's Broadcasts as one device gets it. */
export interface BroadcastDown {
  verb: 'UPSERT' | 'REMOVE';
  item: StoredItem;
}

/**
 * What devices of an account hear of the operator's Broadcasts beside the message to all: those that came while they were
 * away, and the one that stands in when the account takes its own of that key away.
 */
export class BroadcastsDown extends FeedFollower {
  override readonly name = 'broadcasts down';
  readonly #options: BroadcastsDownOptions;

  constructor(options: BroadcastsDownOptions) {
    super(options.store);
    this.#options = options;
  }

  /** What came for this device after `since`, ISO time of arrival. None of a key that it has its own of. */
  async *since(identity: SyncIdentity, since: string): AsyncGenerator<BroadcastDown> {
    const { schema, store } = this.#options;
    const { pk } = broadcastKey(schema, 'any');
    // Most devices that come back have missed nothing: that is to be found out in a few ranges.
    const marks = await ownMarks(this.#options, identity);
    const model = schema.model('Broadcast');
    const standIns = new Set(
      marks.filter((mark) => arrivalOf(mark) > since).map((mark) => String(removalOf(model, mark).key)),
    );
    for (const item of await everyItem(store, pk)) {
      if (arrivalOf(item) <= since && !standIns.has(String(item.key))) continue;
      const down = await this.#forDevice(item, identity);
      if (down && down.arrived > since) yield { verb: 'UPSERT', item: down.item };
    }
    for (const mark of await everyItem(store, gonePartition(pk))) {
      if (arrivalOf(mark) <= since) continue;
      const removal = removalOf(model, mark);
      if (await this.#forDevice(removal, identity)) yield { verb: 'REMOVE', item: removal };
    }
  }

  /** Undefined where the device has its own; dated after that where it is gone. */
  async #forDevice(
    item: StoredItem,
    identity: SyncIdentity,
  ): Promise<{ item: StoredItem; arrived: string } | undefined> {
    const { schema, store } = this.#options;
    let arrived = arrivalOf(item);
    let updated = String(item.updated);
    for (const { pk, sk } of ownKeys(schema, String(item.key), identity)) {
      if (await store.get(pk, sk)) return undefined;
      const mark = await store.get(gonePartition(pk), sk);
      if (!mark) continue;
      if (arrivalOf(mark) > arrived) arrived = arrivalOf(mark);
      if (compareTimes(String(mark.updated), updated) >= 0) {
        updated = new Date(nextTime(Date.parse(updated), mark.updated)).toISOString();
      }
    }
    return { item: { ...item, updated }, arrived };
  }

  protected override changed(change: ItemChange): void {
    const { pk, after } = change;
    if (after?._type !== 'Broadcast' || after.accountId === EVERY_ACCOUNT) return;
    if (!isGonePartition(pk) || isRenewedMark(change)) return;
    this.#standIn(after).catch((error) =>
      // A device that asks for what it has missed gets it then.
      this.#options.logger.error(
        { error: messageOf(error) },
        'cannot send a broadcast in the place of another',
      ),
    );
  }

  async #standIn({ accountId, deviceId, key }: StoredItem): Promise<void> {
    const { schema, store, sender } = this.#options;
    const at = broadcastKey(schema, String(key));
    const item = await store.get(at.pk, at.sk);
    const identity = { accountId: String(accountId), deviceId: String(deviceId) };
    const down = item && (await this.#forDevice(item, identity));
    if (!down) return;
    if (deviceId === EVERY_DEVICE) sender.sendToAccount(identity.accountId, 'UPSERT', down.item);
    else void sender.send(identity.deviceId, 'UPSERT', down.item);
  }
}
