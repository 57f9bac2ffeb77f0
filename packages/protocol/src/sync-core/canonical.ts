/**
 * The fields as text that is the same wherever the same values are held: names in order at every depth, fields without a
 * value left out.
 */
export function canonicalItem(fields: Readonly<Record<string, unknown>>, names: Iterable<string>): string {
  const known: Record<string, unknown> = {};
  for (const name of names) {
    const value = fields[name];
    if (value !== undefined && value !== null) known[name] = value;
  }
  return canonicalText(known);
}

/** A value as text: names in order at every depth. */
export function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = value as Record<string, unknown>;
  const names = Object.keys(fields).filter((name) => fields[name] !== undefined);
  return `{${names
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalText(fields[name])}`)
    .join(',')}}`;
}
