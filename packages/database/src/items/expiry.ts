import type { Clock } from '@ioto/runtime';
import type { Model } from '../schema/model.ts';
import type { ItemRecord } from './record.ts';

/** When the item expires, in milliseconds since the epoch; undefined when it never does. Numbers are Unix seconds. */
export function expiryOf(model: Model, { attributes }: Pick<ItemRecord, 'attributes'>): number | undefined {
  const field = model.ttl;
  const value = field && attributes[field.name];
  if (!field || value === undefined) return undefined;
  const time = field.type === 'number' ? Number(value) * 1000 : new Date(value as string | number).getTime();
  return Number.isNaN(time) ? undefined : time;
}

export function isExpired(model: Model, record: ItemRecord, clock: Pick<Clock, 'now'>): boolean {
  return hasExpired(model, record, model.ttl ? clock.now() : 0);
}

/** Whether the item is gone at `now`, milliseconds since the epoch, though nobody may have swept it away yet. */
export function hasExpired(model: Model, record: Pick<ItemRecord, 'attributes'>, now: number): boolean {
  if (!model.ttl || record.attributes[model.ttl.name] === undefined) return false;
  const time = expiryOf(model, record);
  return time !== undefined && time <= now;
}
