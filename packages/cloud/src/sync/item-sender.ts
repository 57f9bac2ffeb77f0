import { accountSyncTopic, deviceTopic, type SyncVerb } from '@ioto/protocol';
import { type Clock, type Logger, messageOf } from '@ioto/runtime';
import type { DeviceEndpoint } from '../ports/device-endpoint.ts';
import type { ItemStore, StoredItem } from '../ports/item-store.ts';
import { idOf } from './sync-plan.ts';
import { wireItem } from './wire-item.ts';

export interface ItemSenderOptions {
  store: ItemStore;
  endpoint: DeviceEndpoint;
  clock: Clock;
  logger: Logger;
}

/** Sends items down to devices. A Command goes once: while it is under way it is not sent again, and delivered it is gone. */
export class ItemSender {
  readonly #options: ItemSenderOptions;
  readonly #underWay = new Set<string>();

  constructor(options: ItemSenderOptions) {
    this.#options = options;
  }

  /** Queues the item for a device; returns at once. Messages to one device arrive in the order of these calls. */
  send(deviceId: string, verb: SyncVerb, item: StoredItem): void {
    const topic = deviceTopic.sync(deviceId, verb);
    if (item._type === 'Command') this.#sendCommand(deviceId, topic, item);
    else void this.#options.endpoint.deliver(deviceId, topic, wireItem(item));
  }

  /** Queues the item for every device of an account. */
  sendToAccount(accountId: string, verb: SyncVerb, item: StoredItem): void {
    this.#options.endpoint.publish(accountSyncTopic(accountId, verb), wireItem(item));
  }

  #sendCommand(deviceId: string, topic: string, item: StoredItem): void {
    const { logger } = this.#options;
    const id = idOf(item);
    if (this.#underWay.has(id)) return;
    this.#underWay.add(id);
    this.#deliverOnce(deviceId, topic, item)
      .catch((error) => logger.error({ deviceId, error: messageOf(error) }, 'cannot end a Command'))
      .finally(() => this.#underWay.delete(id));
  }

  /** A Command whose time is over goes without having been sent. */
  async #deliverOnce(deviceId: string, topic: string, item: StoredItem): Promise<void> {
    const isOver = this.#isOver(item);
    const outcome = isOver
      ? undefined
      : await this.#options.endpoint.deliver(deviceId, topic, wireItem(item));
    if (isOver || outcome === 'acknowledged') await this.#remove(item);
  }

  #isOver(item: StoredItem): boolean {
    return typeof item.expires === 'string' && Date.parse(item.expires) <= this.#options.clock.now();
  }

  async #remove({ pk, sk }: StoredItem): Promise<void> {
    await this.#options.store.write([{ remove: { pk, sk } }]);
  }
}
