import { accountSyncTopic, deviceTopic, type SyncVerb } from '@ioto/protocol';
import { type Clock, type Logger, messageOf } from '@ioto/runtime';
import type { Delivery, DeviceEndpoint } from '../../ports/device-endpoint.ts';
import type { ItemStore, StoredItem } from '../../ports/item-store.ts';
import type { Peers } from '../hello/peers.ts';
import { idOf, wireItem } from '../items/wire-item.ts';

export interface ItemSenderOptions {
  store: ItemStore;
  endpoint: DeviceEndpoint;
  /** What each device has agreed on. */
  peers: Pick<Peers, 'of'>;
  clock: Clock;
  logger: Logger;
}

interface DeviceBound {
  deviceId: string;
  topic: string;
  payload: string;
}

/** One item on its way to one device. */
export interface Sending {
  /** Of the message. */
  bytes: number;
  /** How it ended; never rejects. `acknowledged` also when the item was not to be sent any more. */
  outcome: Promise<Delivery>;
}

/** Sends items down to devices. A Command goes once: while it is under way it is not sent again, and delivered it is gone. */
export class ItemSender {
  readonly #options: ItemSenderOptions;
  readonly #underWay = new Map<string, Sending>();

  constructor(options: ItemSenderOptions) {
    this.#options = options;
  }

  /**
   * Queues the item for a device; returns at once. Messages to one device arrive in the order of these calls. One that the
   * device's session has no room for is `dropped`: the device gets the item by a later sync down, since only the end of
   * one moves the time from which it asks.
   */
  send(deviceId: string, verb: SyncVerb, item: StoredItem): Sending {
    const topic = deviceTopic.sync(deviceId, verb);
    const times = this.#options.peers.of(deviceId)?.can.has('merge');
    const payload = wireItem(item, { times });
    const bytes = Buffer.byteLength(payload);
    if (item._type === 'Command') return this.#sendCommand(item, bytes, { deviceId, topic, payload });
    return { bytes, outcome: this.#outcome(deviceId, this.#deliver({ deviceId, topic, payload })) };
  }

  /** Queues the item for every device of an account. */
  sendToAccount(accountId: string, verb: SyncVerb, item: StoredItem): void {
    this.#options.endpoint.publish(accountSyncTopic(accountId, verb), wireItem(item));
  }

  #sendCommand(item: StoredItem, bytes: number, message: DeviceBound): Sending {
    const id = idOf(item);
    const earlier = this.#underWay.get(id);
    if (earlier) return earlier;
    const delivery = this.#deliverOnce(item, message).finally(() => this.#underWay.delete(id));
    const sending = { bytes, outcome: this.#outcome(message.deviceId, delivery) };
    this.#underWay.set(id, sending);
    return sending;
  }

  /** A Command whose time is over goes without having been sent. */
  async #deliverOnce(item: StoredItem, message: DeviceBound): Promise<Delivery> {
    const outcome = this.#isOver(item) ? 'acknowledged' : await this.#deliver(message);
    if (outcome === 'acknowledged') await this.#end(item);
    return outcome;
  }

  #deliver({ deviceId, topic, payload }: DeviceBound): Promise<Delivery> {
    return this.#options.endpoint.deliver(deviceId, topic, payload);
  }

  /** What a fault of the cloud stopped counts as dropped. */
  async #outcome(deviceId: string, delivery: Promise<Delivery>): Promise<Delivery> {
    const { logger } = this.#options;
    try {
      const outcome = await delivery;
      if (outcome === 'dropped') logger.debug({ deviceId }, 'an item for a device was dropped');
      return outcome;
    } catch (error) {
      logger.error({ deviceId, error: messageOf(error) }, 'cannot send an item');
      return 'dropped';
    }
  }

  #isOver(item: StoredItem): boolean {
    return typeof item.expires === 'string' && Date.parse(item.expires) <= this.#options.clock.now();
  }

  /** One that cannot be removed is sent again with the next sync down. */
  async #end({ pk, sk }: StoredItem): Promise<void> {
    const { store, logger } = this.#options;
    try {
      await store.write([{ remove: { pk, sk } }]);
    } catch (error) {
      logger.error({ sk, error: messageOf(error) }, 'cannot end a Command');
    }
  }
}
