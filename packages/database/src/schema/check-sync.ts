import type { Sync } from './definition.ts';
import type { Field } from './field.ts';
import { invalid } from './invalid.ts';

export interface SyncFacts {
  readonly model: string;
  readonly fields: ReadonlyMap<string, Field>;
  readonly sync: Sync;
  readonly typeField: string;
  /** Name of the field that says when an item was changed last, where the schema has one. */
  readonly updated: string | undefined;
}

/**
 * Refuses a synced model that the wire cannot carry: both ends choose between versions by `updated`, an ISO time, and
 * know the model by `_type` (Ioto contract §8).
 */
export function requireSyncable({ model, fields, sync, typeField, updated }: SyncFacts): void {
  if (sync === 'none') return;
  const needs = (what: string) => invalid(`process.${model}.sync`, `is '${sync}', which needs ${what}`);
  if (typeField !== '_type') throw needs("params.typeField '_type'");
  if (updated !== 'updated') throw needs("params.timestamps true or 'update', and updatedField 'updated'");
  const field = fields.get(updated);
  if (field?.type !== 'date' || !field.isoDates || field.template) {
    throw needs(`${model}.updated as a date with isoDates`);
  }
}
