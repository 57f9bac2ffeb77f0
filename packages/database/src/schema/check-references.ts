import type { Field } from './field.ts';
import type { IndexDefinition } from './indexes.ts';
import { invalid } from './invalid.ts';

/** Properties that every item has from its context, whether its model names them or not. */
const CONTEXT = ['accountId', 'deviceId'];

/** Refuses keys that no item could ever have, and parts of attributes that are not there. */
export function requireReferences(
  model: string,
  fields: ReadonlyMap<string, Field>,
  { hash, sort }: IndexDefinition,
): void {
  const known = new Set([...fields.keys(), ...CONTEXT]);
  for (const attribute of sort === undefined ? [hash] : [hash, sort]) {
    for (const name of fields.get(attribute)?.template?.variables ?? []) {
      if (known.has(name.split('.')[0] as string)) continue;
      throw invalid(`${model}.${attribute}`, `value names ${name}, which is no field of ${model}`);
    }
  }
  for (const { path, encode } of fields.values()) {
    if (!encode || known.has(encode.attribute)) continue;
    throw invalid(path, `encode names ${encode.attribute}, which is no field of ${model}`);
  }
}
