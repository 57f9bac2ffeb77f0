import { OrderedMap } from '../index/ordered-map.ts';
import type { Schema } from '../schema/compile.ts';
import { expiryOf } from './expiry.ts';
import type { ItemRecord } from './record.ts';

/** Which items expire when, the next one first. */
export class ExpiryQueue {
  readonly #schema: Schema;
  readonly #queue = new OrderedMap<ItemRecord>();
  /** Called when an item comes in that expires before all others. */
  onEarlier: () => void = () => undefined;

  constructor(schema: Schema) {
    this.#schema = schema;
  }

  /** When the first item expires, in milliseconds since the epoch. */
  get next(): number | undefined {
    let time: number | undefined;
    this.#queue.scan({}, (record) => {
      time = this.#timeOf(record);
      return false;
    });
    return time;
  }

  /** At most `limit` items that have expired. */
  due(now: number, limit: number): ItemRecord[] {
    const records: ItemRecord[] = [];
    this.#queue.scan({}, (record) => {
      if ((this.#timeOf(record) ?? 0) > now || records.length >= limit) return false;
      return records.push(record) > 0;
    });
    return records;
  }

  added(record: ItemRecord): void {
    const time = this.#timeOf(record);
    if (time === undefined) return;
    const before = this.next;
    this.#queue.set(timePlace(time, record), record);
    if (before === undefined || time < before) this.onEarlier();
  }

  removed(record: ItemRecord): void {
    const time = this.#timeOf(record);
    if (time !== undefined) this.#queue.delete(timePlace(time, record));
  }

  #timeOf(record: ItemRecord): number | undefined {
    const model = this.#schema.models.get(record.model);
    return model?.ttl ? expiryOf(model, record) : undefined;
  }
}

/** Text that sorts by time, then by key; times before 1970 come first. */
export function timePlace(time: number, { pk, sk }: ItemRecord): string {
  return `${String(Math.max(0, Math.floor(time))).padStart(16, '0')}\0${pk}\0${sk}`;
}
