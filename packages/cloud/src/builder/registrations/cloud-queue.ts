import type { FindAnswer, Registration } from '@ioto/protocol';
import type { Clock } from '@ioto/runtime';
import type { ItemStore, StoredItem } from '../../ports/item-store.ts';
import { forCloud, queueOf } from './registration.ts';
import type { Registrations } from './registrations.ts';

/** Milliseconds after which what a cloud did not deal with is told again: an answer may have been lost. */
const REPEAT_AFTER = 60_000;

/** Entries in one answer. */
const MOST = 100;

/** Entries that one answer looks at; with more in the queue, the next answer goes on where this one ended. */
const LOOKED_AT = 1000;

/** What waits for a cloud to ask: devices that wish to be claimed, and devices claimed in advance that have come. */
export class CloudQueue {
  readonly #store: ItemStore;
  readonly #clock: Clock;
  readonly #registrations: Registrations;
  readonly #told = new Map<string, number>();
  /** By cloud, the sort key after which its next answer begins, so that entries nobody deals with starve no others. */
  readonly #cursors = new Map<string, string>();

  constructor(options: { store: ItemStore; clock: Clock; registrations: Registrations }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#registrations = options.registrations;
  }

  /** Drops entries that the cloud has dealt with. */
  async done(cloudId: string, ids: readonly string[]): Promise<void> {
    const pk = queueOf(cloudId);
    const unique = [...new Set(ids)].filter((id) => id.length > 0 && !id.includes('\0'));
    await this.#store.write(
      unique.flatMap((id) => ['self', 'completed'].map((kind) => ({ remove: { pk, sk: `${kind}#${id}` } }))),
    );
  }

  /** What has not been told within the last minute. */
  async take(cloudId: string): Promise<FindAnswer> {
    const items = await this.#lookAtNext(cloudId);
    this.#forgetOld();
    const now = this.#clock.now();
    const answer: Required<Pick<FindAnswer, 'selfClaims' | 'completed'>> = { selfClaims: [], completed: [] };
    let count = 0;
    let last: string | undefined;
    for (const item of items) {
      const key = `${item.pk}\0${item.sk}\0${item.queued}`;
      if (this.#told.has(key)) continue;
      if (count === MOST) {
        if (last !== undefined) this.#cursors.set(cloudId, last);
        break;
      }
      count += 1;
      last = item.sk;
      const registration = await this.#registration(String(item.id), cloudId);
      if (!registration) continue;
      this.#told.set(key, now);
      if (item.sk.startsWith('completed#')) answer.completed.push(registration);
      else answer.selfClaims.push({ registration, accountId: String(item.accountId) });
    }
    return answer;
  }

  /** From the cursor on and around, so that a queue of ordinary length is looked at whole. */
  async #lookAtNext(cloudId: string): Promise<StoredItem[]> {
    const pk = queueOf(cloudId);
    const cursor = this.#cursors.get(cloudId);
    const { items, next } = await this.#store.query(pk, { limit: LOOKED_AT, after: cursor });
    if (next === undefined) this.#cursors.delete(cloudId);
    else this.#cursors.set(cloudId, next);
    if (cursor === undefined || next !== undefined || items.length === LOOKED_AT) return items;
    const around = await this.#store.query(pk, { limit: LOOKED_AT - items.length });
    return [...items, ...around.items.filter(({ sk }) => sk <= cursor)];
  }

  async #registration(id: string, cloudId: string): Promise<Registration | undefined> {
    const item = await this.#registrations.get(id);
    return item && forCloud(item, cloudId);
  }

  #forgetOld(): void {
    const before = this.#clock.now() - REPEAT_AFTER;
    // Insertion order is the order of time.
    for (const [key, told] of this.#told) {
      if (told > before) return;
      this.#told.delete(key);
    }
  }
}
