/** A plain object, as JSON5 has them. */
export type Properties = Record<string, unknown>;

export function isProperties(value: unknown): value is Properties {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A copy of `base` with `over` blended in: objects property by property, everything else replaced. */
export function blend(base: Properties, over: Properties): Properties {
  const result: Properties = { ...base };
  for (const [name, value] of Object.entries(over)) {
    if (name === '__proto__' || value === undefined) continue;
    const present = Object.hasOwn(result, name) ? result[name] : undefined;
    result[name] = isProperties(value) ? blend(isProperties(present) ? present : {}, value) : value;
  }
  return result;
}

/**
 * Blends the sets of `conditional` that apply: `{ profile: { dev: {…}, prod: {…} } }` blends the set whose name equals the
 * value of the property `profile`. `conditional` itself does not stay.
 */
export function blendConditional(base: Properties, layer: Properties, profile: string): Properties {
  const { conditional, ...plain } = layer;
  let result = blend(base, plain);
  if (!isProperties(conditional)) return result;
  for (const [property, sets] of Object.entries(conditional)) {
    const value = property === 'profile' ? profile : result[property];
    const chosen = isProperties(sets) && Object.hasOwn(sets, String(value)) ? sets[String(value)] : undefined;
    if (isProperties(chosen)) result = blend(result, chosen);
  }
  return result;
}
