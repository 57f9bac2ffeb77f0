import { FIELD_TIMES } from '@ioto/protocol';
import { fail } from '../errors.ts';
import { isPlainObject } from '../items/frozen.ts';
import { requireReferences } from './check-references.ts';
import { requireSyncable } from './check-sync.ts';
import { compileFields, type Field } from './field.ts';
import { compileIndexes, type IndexDefinition } from './indexes.ts';
import { invalid } from './invalid.ts';
import { Model } from './model.ts';
import { compileProcess } from './process.ts';

/** Names of the timestamp fields; undefined when the schema does not ask for one. */
export interface Timestamps {
  readonly created?: string;
  readonly updated?: string;
}

/** A compiled schema, immutable. */
export interface Schema {
  readonly version: string;
  /** The attribute that holds an item's model name. */
  readonly typeField: string;
  readonly timestamps: Timestamps;
  readonly models: ReadonlyMap<string, Model>;
  /** @throws MODEL_UNKNOWN */
  model(name: string): Model;
}

/**
 * Compiles a OneTable schema, format `onetable:1.1.0`.
 *
 * @throws SCHEMA_INVALID naming model, field and rule.
 */
export function compileSchema(schema: unknown): Schema {
  if (!isPlainObject(schema)) throw invalid('the schema', 'must be an object');
  if (typeof schema.format !== 'string' || !/^onetable:1\.[01]\.\d+$/.test(schema.format)) {
    throw invalid('format', "must be 'onetable:1.1.0'");
  }
  const version = schema.version ?? '0.0.1';
  if (typeof version !== 'string') throw invalid('version', 'must be text');
  const params = objectAt(schema, 'params');
  const typeField = nameAt(params, 'typeField', '_type');
  const models = compileModels(schema, params);
  return Object.freeze({
    version,
    typeField,
    timestamps: compileTimestamps(params),
    models,
    model(name: string): Model {
      const model = models.get(name);
      if (model) return model;
      throw fail('MODEL_UNKNOWN', `the schema has no model ${JSON.stringify(String(name).slice(0, 64))}`, {
        details: { models: [...models.keys()] },
      });
    },
  });
}

function compileModels(schema: Record<string, unknown>, params: Record<string, unknown>): Map<string, Model> {
  const indexes = compileIndexes(schema.indexes);
  const primary = indexes.get('primary') as IndexDefinition;
  const process = { ...objectAt(schema, 'control'), ...objectAt(schema, 'process') };
  const timestamps = compileTimestamps(params);
  const isoDates = params.isoDates === true;
  const typeField = nameAt(params, 'typeField', '_type');
  const models = new Map<string, Model>();
  for (const [name, definition] of Object.entries(objectAt(schema, 'models'))) {
    if (!isPlainObject(definition)) throw invalid(name, 'must be an object of fields');
    const fields = compileFields(definition, name, isoDates);
    requireKey(fields, name, primary);
    requireReferences(name, fields, primary);
    addTimestamps(fields, name, timestamps, isoDates);
    const rules = compileProcess(process[name], name);
    if (rules.merges) addFieldTimes(fields, name);
    const model = new Model({ name, fields, indexes, timestamps, ...rules });
    requireSyncable(model, { typeField, updated: timestamps.updated });
    models.set(name, model);
  }
  for (const name of Object.keys(process)) {
    if (!models.has(name) && name !== 'default') throw invalid(`process.${name}`, 'names no model');
  }
  return models;
}

/** A model may leave out the hash attribute, which is then empty, but not all of its key. */
function requireKey(
  fields: ReadonlyMap<string, Field>,
  model: string,
  { hash, sort }: IndexDefinition,
): void {
  if (fields.has(hash) || (sort !== undefined && fields.has(sort))) return;
  throw invalid(`${model}.${hash}`, 'is missing: it is the hash of the primary index');
}

function compileTimestamps(params: Record<string, unknown>): Timestamps {
  const { timestamps = false } = params;
  if (timestamps !== true && timestamps !== false && timestamps !== 'create' && timestamps !== 'update') {
    throw invalid('params.timestamps', "must be true, false, 'create' or 'update'");
  }
  const created = nameAt(params, 'createdField', 'created');
  const updated = nameAt(params, 'updatedField', 'updated');
  return {
    created: timestamps === true || timestamps === 'create' ? created : undefined,
    updated: timestamps === true || timestamps === 'update' ? updated : undefined,
  };
}

/** Timestamps are fields like others once they are there, so that they can be read, filtered and synced. */
function addTimestamps(
  fields: Map<string, Field>,
  model: string,
  { created, updated }: Timestamps,
  isoDates: boolean,
): void {
  for (const name of [created, updated]) {
    if (name === undefined || fields.has(name)) continue;
    const path = `${model}.${name}`;
    fields.set(name, { name, path, type: 'date', required: false, hidden: false, ttl: false, isoDates });
  }
}

/** The times of the fields travel and are stored with the item, and nobody else sees them. */
function addFieldTimes(fields: Map<string, Field>, model: string): void {
  const path = `${model}.${FIELD_TIMES}`;
  if (fields.has(FIELD_TIMES)) throw invalid(path, "is a field of every model whose merge is 'fields'");
  fields.set(FIELD_TIMES, {
    name: FIELD_TIMES,
    path,
    type: 'object',
    required: false,
    hidden: true,
    ttl: false,
    isoDates: false,
  });
}

function objectAt(parent: Record<string, unknown>, name: string): Record<string, unknown> {
  const value = parent[name] ?? {};
  if (!isPlainObject(value)) throw invalid(name, 'must be an object');
  return value;
}

function nameAt(params: Record<string, unknown>, name: string, fallback: string): string {
  const value = params[name] ?? fallback;
  if (typeof value !== 'string' || value === '')
    throw invalid(`params.${name}`, 'must be the name of a field');
  return value;
}
