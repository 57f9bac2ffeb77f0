import type { ItemKey, Schema } from '@ioto/database';
import { deviceTopic, parseServiceTopic } from '@ioto/protocol';
import { type Logger, messageOf } from '@ioto/runtime';
import { parseJsonBody } from '../http/json-body.ts';
import type { DeviceEndpoint, DeviceMessage, DevicePrincipal } from '../ports/device-endpoint.ts';
import type { ItemStore } from '../ports/item-store.ts';
import type { SyncDown } from './sync-down.ts';
import type { SyncUp } from './sync-up.ts';
import { keyFor, type SyncIdentity } from './wire-item.ts';

export interface ServiceMessagesOptions {
  schema: Schema;
  store: ItemStore;
  endpoint: Pick<DeviceEndpoint, 'deliver'>;
  syncUp: SyncUp;
  syncDown: SyncDown;
  logger: Logger;
}

/** Who published: from the certificate. */
type Sender = Pick<DevicePrincipal, 'accountId' | 'deviceId' | 'dialect'>;

/** Reads what devices publish and hands it to whom it concerns. What nobody understands is dropped, and the log says so. */
export class ServiceMessages {
  readonly #options: ServiceMessagesOptions;

  constructor(options: ServiceMessagesOptions) {
    this.#options = options;
  }

  /** Resolves when what the message asked for is durable. Rejects only for faults of the cloud: the device then sends again. */
  async receive({ accountId, deviceId, dialect }: Sender, { topic, payload }: DeviceMessage): Promise<void> {
    const identity: SyncIdentity = Object.freeze({ accountId, deviceId });
    const { syncUp, syncDown, logger } = this.#options;
    const parsed = parseServiceTopic(topic);
    if (!parsed || parsed.id !== identity.deviceId) {
      logger.debug({ deviceId: identity.deviceId, topic: topic.slice(0, 256) }, 'message to no service');
      return;
    }
    const { message } = parsed;
    if (message.kind === 'ping' || message.kind === 'metricSet') return;
    const body = this.#parse(identity, payload);
    if (body === undefined) return;
    if (message.kind === 'syncUp') await syncUp.receive(identity, body, dialect === 'current');
    else if (message.kind === 'syncDown') syncDown.receive(identity, body);
    else if (message.kind === 'storeSet') await syncUp.storeSet(identity, body);
    else if (message.request === 'store/get') await this.#storeGet(identity, message.n, body);
    else
      logger.debug({ deviceId: identity.deviceId, request: message.request }, 'request that nobody serves');
  }

  /** The answer is the bare value, empty when there is none. */
  async #storeGet(identity: SyncIdentity, n: string, body: unknown): Promise<void> {
    const { store, endpoint } = this.#options;
    const { deviceId } = identity;
    const at = this.#storeKey(identity, (body as { key?: unknown }).key);
    const item = at && (await store.get(at.pk, at.sk));
    const value = item?.value;
    const text = value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value);
    void endpoint.deliver(deviceId, deviceTopic.answer(deviceId, 'store/get', n), text);
  }

  #storeKey(identity: SyncIdentity, key: unknown): ItemKey | undefined {
    try {
      return typeof key === 'string'
        ? keyFor(this.#options.schema.model('Store'), { key }, identity)
        : undefined;
    } catch {
      // No item can have such a key, so there is none.
      return undefined;
    }
  }

  #parse({ deviceId }: SyncIdentity, payload: Buffer): unknown {
    let problem = 'it is no object';
    try {
      const body = parseJsonBody(payload, { lenient: true });
      if (typeof body === 'object' && body !== null) return body;
    } catch (error) {
      problem = messageOf(error);
    }
    // Sending it again would not make it better: it is acknowledged and dropped.
    this.#options.logger.warn({ deviceId, bytes: payload.length, problem }, 'message of a device dropped');
    return undefined;
  }
}
