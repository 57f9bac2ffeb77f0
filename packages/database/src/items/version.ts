import { canonicalItem, type Version } from '@ioto/protocol';
import { coerce } from '../schema/coerce.ts';
import type { Properties } from '../schema/definition.ts';
import { isCanonicalTime } from '../schema/iso-text.ts';
import type { Model } from '../schema/model.ts';

/**
 * What the ends of a sync compare of an item: its time, and its fields but for those that say who has it and since when.
 * Undefined for one without a time, which is `updated`: a model that syncs can call it nothing else (`requireSyncable`). The
 * fields may be as stored, at any end, or as they came over the wire.
 */
export function versionOf(model: Model, fields: Properties): Version | undefined {
  const updated = timeOf(fields.updated);
  return updated === undefined ? undefined : { updated, content: () => contentOf(model, fields) };
}

/** The canonical text of an item's fields. */
export function contentOf(model: Model, fields: Properties): string {
  const values = contentFields(model, fields);
  return canonicalItem(values, Object.keys(values));
}

/** The fields that make two versions of an item different, each in the form of its type. */
export function contentFields(model: Model, fields: Properties): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const field of model.content) {
    const value = fields[field.name];
    if (value === undefined || value === null) continue;
    try {
      values[field.name] = coerce(field, value, field.path);
    } catch {
      // Neither end keeps what does not fit its field.
    }
  }
  return values;
}

/** An ISO text of a time in whatever form; undefined for what is none. */
export function timeOf(value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  if (typeof value === 'string' && isCanonicalTime(value)) return value;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
