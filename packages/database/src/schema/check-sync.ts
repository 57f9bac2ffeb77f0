import { invalid } from './invalid.ts';
import type { Model } from './model.ts';

/** What a schema says of all of its models. */
export interface SyncFacts {
  readonly typeField: string;
  /** Name of the field that says when an item was changed last, where the schema has one. */
  readonly updated: string | undefined;
}

/** What the cloud knows of a device before it knows any of its items. */
const KNOWN = ['accountId', 'deviceId'];

/**
 * Refuses a synced model that the wire cannot carry: both ends choose between versions by `updated`, an ISO time, and
 * know the model by `_type`; what goes down is looked for by account and device, and a removal names no more than its sort
 * key (Ioto contract §8).
 */
export function requireSyncable(model: Model, { typeField, updated }: SyncFacts): void {
  const { name, sync, fields } = model;
  if (sync === 'none') return;
  const needs = (what: string) => invalid(`process.${name}.sync`, `is '${sync}', which needs ${what}`);
  if (typeField !== '_type') throw needs("params.typeField '_type'");
  if (updated !== 'updated') throw needs("params.timestamps true or 'update', and updatedField 'updated'");
  const field = fields.get(updated);
  if (field?.type !== 'date' || !field.isoDates || field.template) {
    throw needs(`${name}.updated as a date with isoDates`);
  }
  if (sync === 'up' || model.hashVariables.every((variable) => KNOWN.includes(variable))) return;
  throw needs(`a ${name}.${model.hash} of no properties but accountId and deviceId`);
}
