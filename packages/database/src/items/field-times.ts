import { FIELD_TIMES, type MergeItem, readFieldTimes, timesAfter } from '@ioto/protocol';
import type { Properties } from '../schema/definition.ts';
import type { Model } from '../schema/model.ts';
import { contentFields, timeOf } from './version.ts';

/** What is merged of an item, at any end or as it came over the wire; undefined for one without a time of its own. */
export function mergeItemOf(model: Model, fields: Properties): MergeItem | undefined {
  const updated = timeOf(fields.updated);
  if (updated === undefined) return undefined;
  return {
    updated,
    times: readFieldTimes(fields[FIELD_TIMES], updated),
    fields: contentFields(model, fields),
  };
}

/** The item's fields with those of a merge in their place, times and `updated` too. */
export function withMerged(model: Model, fields: Properties, merged: MergeItem): Properties {
  const result: Record<string, unknown> = { ...fields, updated: merged.updated };
  for (const name of model.mergeNames) {
    const value = merged.fields[name];
    if (value === undefined) delete result[name];
    else result[name] = value;
  }
  if (merged.times) result[FIELD_TIMES] = merged.times;
  else delete result[FIELD_TIMES];
  return result;
}

/** Notes in the attributes of a changed item which of its fields are of now. @param before What the writer saw. */
export function noteFieldTimes(model: Model, before: Properties, attributes: Record<string, unknown>): void {
  const after = mergeItemOf(model, attributes);
  if (!model.merges || !after) return;
  const times = timesAfter(mergeItemOf(model, before), after, model.mergeNames);
  if (times) attributes[FIELD_TIMES] = Object.freeze(times);
  else delete attributes[FIELD_TIMES];
}
