import type { Schema } from '@ioto/database';
import { type Clock, type Component, isoTime, type Logger, messageOf } from '@ioto/runtime';
import { type ItemStore, type StoredItem, writeIfHolds } from '../../ports/item-store.ts';
import { EXPIRY_PARTITION, expiryTime } from './expiry-index.ts';

/** Milliseconds between two looks. */
const EVERY = 60_000;
/** Entries looked at in one go. */
const LOT = 500;

export interface ExpirySweepOptions {
  schema: Schema;
  store: ItemStore;
  clock: Clock;
  logger: Logger;
}

/** Removes items when their time is over. Devices have the same times and remove their own: they are not told. */
export class ExpirySweep implements Component {
  readonly name = 'expiry sweep';
  readonly #options: ExpirySweepOptions;
  #cancel: (() => void) | undefined;
  #sweeping: Promise<void> = Promise.resolve();
  #isRunning = false;

  constructor(options: ExpirySweepOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#isRunning = true;
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#cancel?.();
    await this.#sweeping;
  }

  #arm(): void {
    const { clock, logger } = this.#options;
    if (!this.#isRunning) return;
    const look = () => {
      this.#sweeping = this.#sweep()
        .catch((error) => logger.error({ error: messageOf(error) }, 'cannot remove what has expired'))
        .then(() => this.#arm());
    };
    this.#cancel = clock.after(EVERY, look, { unref: true });
  }

  async #sweep(): Promise<void> {
    const { store, clock } = this.#options;
    const now = isoTime(clock);
    let after: string | undefined;
    do {
      const page = await store.query(EXPIRY_PARTITION, { after, limit: LOT });
      for (const entry of page.items) {
        // Entries begin with their time, and lie in its order.
        if (entry.sk > now || !this.#isRunning) return;
        await this.#end(entry, now);
      }
      after = page.next;
    } while (after !== undefined);
  }

  async #end({ pk, sk, of }: StoredItem, now: string): Promise<void> {
    const { schema, store } = this.#options;
    const key = of as { pk: string; sk: string };
    const entry = { remove: { pk, sk } };
    const item = await store.get(key.pk, key.sk);
    const model = schema.models.get(String(item?._type));
    const time = item && (model ? expiryTime(model, item) : keepUntil(item));
    const isOver = item && time !== undefined && time <= now;
    // One that was changed meanwhile is looked at again the next time.
    if (isOver) await writeIfHolds(store, [{ remove: key, if: { equals: { ...item } } }, entry]);
    else await store.write([entry]);
  }
}

/** The cloud's own records that are of no model. */
function keepUntil(item: StoredItem): string | undefined {
  return typeof item.keepUntil === 'string' ? item.keepUntil : undefined;
}
