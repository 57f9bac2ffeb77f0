import { isPlainObject } from '../items/frozen.ts';
import { invalid } from './invalid.ts';

/** One index of a schema: the attributes that it is made of. */
export interface IndexDefinition {
  readonly hash: string;
  readonly sort?: string;
}

const RULES = ['hash', 'sort', 'type', 'project', 'follow', 'description'];

/** The schema's indexes by name, `primary` among them. A local index has the hash of the primary one. */
export function compileIndexes(definitions: unknown): ReadonlyMap<string, IndexDefinition> {
  const primary = isPlainObject(definitions) ? definitions.primary : undefined;
  if (!isPlainObject(definitions) || !isPlainObject(primary) || typeof primary.hash !== 'string') {
    throw invalid('indexes.primary', 'must name its hash attribute');
  }
  const indexes = new Map<string, IndexDefinition>();
  for (const [name, definition] of Object.entries(definitions)) {
    indexes.set(name, compileIndex(`indexes.${name}`, definition, primary.hash));
  }
  return indexes;
}

function compileIndex(where: string, definition: unknown, primaryHash: string): IndexDefinition {
  if (!isPlainObject(definition)) throw invalid(where, 'must be an object');
  for (const rule of Object.keys(definition)) {
    if (!RULES.includes(rule)) throw invalid(where, `has the unsupported rule ${rule}`);
  }
  const { sort, type } = definition;
  if (type !== undefined && type !== 'local') throw invalid(where, "type must be 'local' when it is there");
  const hash = definition.hash ?? (type === 'local' ? primaryHash : undefined);
  if (typeof hash !== 'string') throw invalid(where, 'must name its hash attribute');
  if (sort !== undefined && typeof sort !== 'string') {
    throw invalid(where, 'sort must be the name of an attribute');
  }
  return { hash, sort };
}
