import { type Clock, type Component, isCodedError, isoTime, type Logger, messageOf } from '@ioto/runtime';
import type { ItemStore, Write } from '../ports/item-store.ts';
import { deviceKey } from './device-item.ts';
import { Turns } from './turns.ts';

/** Milliseconds from a disconnect to `offline`: agents in the field reconnect every minute (Ioto contract §8). */
export const OFFLINE_AFTER = 90_000;

const ONLINE = 'presence#';

export interface PresenceOptions {
  store: ItemStore;
  clock: Clock;
  logger: Logger;
}

/** Keeps `connection` of the Device items. The list of those that are online survives a restart of the cloud. */
export class Presence implements Component {
  readonly name = 'presence';
  readonly #options: PresenceOptions;
  readonly #turns = new Turns();
  /** Cancels what would turn a device offline, by device. */
  readonly #timers = new Map<string, () => void>();
  #stopped = true;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Devices that were online when the cloud went down have as long to come back as after any disconnect. */
  async start(): Promise<void> {
    this.#stopped = false;
    let after: string | undefined;
    do {
      const page = await this.#options.store.query(ONLINE, { after });
      for (const item of page.items) this.disconnected(item.sk, String(item.accountId));
      after = page.next;
    } while (after !== undefined);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  async connected(deviceId: string, accountId: string): Promise<void> {
    this.#cancel(deviceId);
    await this.#set(deviceId, accountId, 'online');
  }

  disconnected(deviceId: string, accountId: string): void {
    this.#cancel(deviceId);
    if (this.#stopped) return;
    const { clock, logger } = this.#options;
    const turnOffline = () => {
      this.#timers.delete(deviceId);
      this.#set(deviceId, accountId, 'offline').catch((error) =>
        logger.error({ deviceId, error: messageOf(error) }, 'cannot mark a device offline'),
      );
    };
    this.#timers.set(deviceId, clock.after(OFFLINE_AFTER, turnOffline, { unref: true }));
  }

  #cancel(deviceId: string): void {
    this.#timers.get(deviceId)?.();
    this.#timers.delete(deviceId);
  }

  #set(deviceId: string, accountId: string, connection: 'online' | 'offline'): Promise<void> {
    return this.#turns.run(deviceId, () => this.#write(deviceId, accountId, connection));
  }

  async #write(deviceId: string, accountId: string, connection: 'online' | 'offline'): Promise<void> {
    // It may have come back while this waited for its turn.
    if (connection === 'offline' && this.#timers.has(deviceId)) return;
    const { store, clock } = this.#options;
    const key = deviceKey(accountId, deviceId);
    for (;;) {
      const item = await store.get(key.pk, key.sk);
      const same = item?.connection === connection;
      if (same && connection === 'online') return;
      const mark: Write =
        connection === 'online'
          ? { put: { pk: ONLINE, sk: deviceId, accountId, since: isoTime(clock) } }
          : { remove: { pk: ONLINE, sk: deviceId } };
      // Released meanwhile, or claimed anew and never online since: nothing to mark but the list.
      const change: Write[] =
        item && !same
          ? [{ put: { ...item, connection, updated: isoTime(clock) }, if: { equals: { ...item } } }]
          : [];
      if (!item && connection === 'online') return;
      try {
        await store.write([...change, mark]);
        return;
      } catch (error) {
        if (!isCodedError(error, 'CONDITION_FAILED')) throw error;
      }
    }
  }
}
