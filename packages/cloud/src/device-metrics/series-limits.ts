import type { Clock, Logger } from '@ioto/runtime';
import type { ItemStore } from '../ports/item-store.ts';
import type { SyncIdentity } from '../sync/items/wire-item.ts';
import { countSeries } from './series-records.ts';

/** Series that one device may make: metrics times their dimensions. */
export const MOST_OF_DEVICE = 200;
/** Series of an account. */
export const MOST_OF_ACCOUNT = 20_000;
/** Milliseconds that a count holds: whoever is at its limit costs one count in that time. */
const COUNT_HOLDS = 60_000;

interface Count {
  until: number;
  series: number;
}

export interface SeriesLimitsOptions {
  store: Pick<ItemStore, 'query'>;
  clock: Clock;
  logger: Logger;
}

/** Bounds how many series there are: each takes a few kilobytes, for a year. */
export class SeriesLimits {
  readonly #options: SeriesLimitsOptions;
  /** By account, and by account and device. */
  readonly #counts = new Map<string, Count>();

  constructor(options: SeriesLimitsOptions) {
    this.#options = options;
  }

  /** Whether there is room for one more series of this device, or of a tool for ''; then it counts. */
  async takeRoom({ accountId, deviceId }: SyncIdentity): Promise<boolean> {
    const ofDevice =
      deviceId === '' ? undefined : await this.#count({ accountId, deviceId, most: MOST_OF_DEVICE });
    const ofAccount = await this.#count({ accountId, most: MOST_OF_ACCOUNT });
    if (ofAccount.series >= MOST_OF_ACCOUNT) return false;
    if (ofDevice && ofDevice.series >= MOST_OF_DEVICE) return false;
    if (ofDevice) ofDevice.series += 1;
    ofAccount.series += 1;
    return true;
  }

  async #count(of: { accountId: string; deviceId?: string; most: number }): Promise<Count> {
    const { store, clock, logger } = this.#options;
    const id = `${of.accountId}#${of.deviceId ?? ''}`;
    const known = this.#counts.get(id);
    const now = clock.now();
    if (known && known.until > now) return known;
    const count = { until: now + COUNT_HOLDS, series: await countSeries(store, of) };
    if (count.series >= of.most) {
      logger.warn({ ...of }, 'no room for more metrics: new ones are dropped until old ones have expired');
    }
    this.#forgetOld(now);
    this.#counts.set(id, count);
    return count;
  }

  #forgetOld(now: number): void {
    for (const [id, { until }] of this.#counts) if (until <= now) this.#counts.delete(id);
  }
}
