import { createHash } from 'node:crypto';
import type { Schema } from './compile.ts';

/** Bytes: enough that no two schemas meet by chance. */
const HASH_BYTES = 12;

/**
 * What stands for the models that sync, in hex: the same at both ends where an item has the same content to both. Models
 * that stay where they are, and fields that do not travel, make no difference.
 */
export function schemaHash(schema: Schema): string {
  const models = [...schema.models.values()]
    .filter(({ sync }) => sync !== 'none')
    .map(({ name, sync, content }) => [name, sync, content.map((field) => [field.name, field.type]).sort()])
    .sort();
  return createHash('sha256').update(JSON.stringify(models)).digest().subarray(0, HASH_BYTES).toString('hex');
}
