import type { OutboxTable } from '../feed/outbox-table.ts';
import { OrderedMap } from '../index/ordered-map.ts';
import type { Schema } from '../schema/compile.ts';
import type { ItemKey } from '../schema/definition.ts';
import { timePlace } from './expiry-queue.ts';
import type { DueItems } from './expiry-watch.ts';
import type { ItemTable } from './item-table.ts';
import { type ItemRecord, keyText } from './record.ts';
import { timeOf } from './version.ts';

interface Due {
  readonly time: number;
  readonly record: ItemRecord;
}

/**
 * The items of models with a `keep` that the cloud has, those that leave the device first in front. Counted from an item's
 * last change, so that nothing has to be on disk for it; one that waits to go up does not leave, however old it is. The time
 * of that change is in `updated`: a model that syncs can call it nothing else (`requireSyncable`).
 */
export class KeptItems implements DueItems {
  readonly #items: ItemTable;
  readonly #outbox: OutboxTable;
  /** Milliseconds by model. */
  readonly #keeps: ReadonlyMap<string, number>;
  readonly #queue = new OrderedMap<Due>();
  readonly #places = new Map<string, string>();
  #isLoaded = false;
  onEarlier: () => void = () => undefined;

  constructor(schema: Schema, items: ItemTable, outbox: OutboxTable) {
    this.#items = items;
    this.#outbox = outbox;
    this.#keeps = new Map(
      [...schema.models.values()].flatMap(({ name, keep }) => (keep === undefined ? [] : [[name, keep]])),
    );
  }

  get next(): number | undefined {
    let time: number | undefined;
    this.#queue.scan({}, (due) => {
      time = due.time;
      return false;
    });
    return time;
  }

  due(now: number, limit: number): ItemRecord[] {
    const records: ItemRecord[] = [];
    this.#queue.scan({}, ({ time, record }) => {
      if (time > now || records.length >= limit) return false;
      return records.push(record) > 0;
    });
    return records;
  }

  /** Looks at everything that was read back; before that, at nothing, since an item is read before what waits of it. */
  load(): void {
    this.#isLoaded = true;
    if (this.#keeps.size === 0) return;
    for (const record of this.#items.all()) this.check(record, record.model);
  }

  /** To be called whenever the item, or whether it waits to go up, may have changed. */
  check(key: ItemKey, model: string | undefined): void {
    const keep = this.#isLoaded && model !== undefined ? this.#keeps.get(model) : undefined;
    if (keep === undefined) return;
    const text = keyText(key);
    this.#forget(text);
    const record = this.#outbox.get(key) ? undefined : this.#items.get(key);
    const updated = record && timeOf(record.attributes.updated);
    if (!record || updated === undefined) return;
    const time = Date.parse(updated) + keep;
    const before = this.next;
    const place = timePlace(time, record);
    this.#places.set(text, place);
    this.#queue.set(place, { time, record });
    if (before === undefined || time < before) this.onEarlier();
  }

  #forget(text: string): void {
    const place = this.#places.get(text);
    if (place === undefined) return;
    this.#places.delete(text);
    this.#queue.delete(place);
  }
}
