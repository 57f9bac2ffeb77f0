import type { Schema } from '@ioto/database';
import type { SyncVerb } from '@ioto/protocol';
import type { Component } from '@ioto/runtime';
import type { DeviceEndpoint } from '../ports/device-endpoint.ts';
import type { ItemChange, ItemStore } from '../ports/item-store.ts';
import type { Echoes } from './echoes.ts';
import type { ItemSender } from './item-sender.ts';
import { EVERY_DEVICE } from './wire-item.ts';

export interface LiveDeliveryOptions {
  schema: Schema;
  store: ItemStore;
  endpoint: Pick<DeviceEndpoint, 'isConnected'>;
  sender: ItemSender;
  echoes: Echoes;
}

/** Sends changes of the models that sync down to connected devices as they are committed; the others ask when they come. */
export class LiveDelivery implements Component {
  readonly name = 'live delivery';
  readonly #options: LiveDeliveryOptions;
  #end: (() => void) | undefined;

  constructor(options: LiveDeliveryOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#end = this.#options.store.onChange((change) => this.#changed(change));
  }

  async stop(): Promise<void> {
    this.#end?.();
    this.#end = undefined;
  }

  #changed(change: ItemChange): void {
    const { schema, endpoint, sender, echoes } = this.#options;
    const item = change.after ?? change.before;
    const model = schema.models.get(String(item?._type));
    if (echoes.take(change) || !item || !model || (model.sync !== 'down' && model.sync !== 'both')) return;
    // A Command that is gone was delivered, or taken back before it was sent.
    if (model.name === 'Command' && !change.after) return;
    const verb: SyncVerb = !change.after ? 'REMOVE' : change.before ? 'MODIFY' : 'INSERT';
    const { accountId, deviceId } = item;
    if (typeof accountId !== 'string') return;
    if (typeof deviceId !== 'string' || deviceId === EVERY_DEVICE)
      sender.sendToAccount(accountId, verb, item);
    else if (endpoint.isConnected(deviceId)) sender.send(deviceId, verb, item);
  }
}
