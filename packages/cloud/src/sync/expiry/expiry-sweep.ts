import type { Schema } from '@ioto/database';
import { type Clock, isoTime, type Logger, Recurring } from '@ioto/runtime';
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
export function expirySweep({ schema, store, clock, logger }: ExpirySweepOptions): Recurring {
  const end = async ({ pk, sk, of }: StoredItem, now: string): Promise<void> => {
    const key = of as { pk: string; sk: string };
    const entry = { remove: { pk, sk } };
    const item = await store.get(key.pk, key.sk);
    const model = schema.models.get(String(item?._type));
    const time = item && (model ? expiryTime(model, item) : keepUntil(item));
    const isOver = item && time !== undefined && time <= now;
    // One that was changed meanwhile is looked at again the next time.
    if (isOver) await writeIfHolds(store, [{ remove: key, if: { equals: { ...item } } }, entry]);
    else await store.write([entry]);
  };
  return new Recurring({
    name: 'expiry sweep',
    ...{ every: EVERY, clock, logger },
    failure: 'cannot remove what has expired',
    async turn(isStopping) {
      const now = isoTime(clock);
      let after: string | undefined;
      do {
        const page = await store.query(EXPIRY_PARTITION, { after, limit: LOT });
        for (const entry of page.items) {
          // Entries begin with their time, and lie in its order.
          if (entry.sk > now || isStopping()) return;
          await end(entry, now);
        }
        after = page.next;
      } while (after !== undefined);
    },
  });
}

/** The cloud's own records that are of no model. */
function keepUntil(item: StoredItem): string | undefined {
  return typeof item.keepUntil === 'string' ? item.keepUntil : undefined;
}
