/** Reads `a.b.c` of nested objects; own properties only. */
export function readPath(value: unknown, path: string): unknown {
  if (!path.includes('.')) return own(value, path);
  let found: unknown = value;
  for (const name of path.split('.')) found = own(found, name);
  return found;
}

/** An own property of an object; undefined for what is none. */
export function own(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
  return (value as Record<string, unknown>)[name];
}
