import { isJsonObject, type Json, type JsonObject, memberOf, sameJson } from './json.ts';

/**
 * What is desired and not reported so: looks into objects only, and never names what is only reported. Undefined when there
 * is no difference.
 */
export function deltaOf(
  desired: JsonObject | undefined,
  reported: JsonObject | undefined,
): JsonObject | undefined {
  const delta: [string, Json][] = [];
  for (const [name, wanted] of Object.entries(desired ?? {})) {
    const held = memberOf(reported, name);
    if (isJsonObject(wanted) && isJsonObject(held)) {
      const inner = deltaOf(wanted, held);
      if (inner) delta.push([name, inner]);
    } else if (!sameJson(wanted, held)) {
      delta.push([name, wanted]);
    }
  }
  return delta.length > 0 ? Object.fromEntries(delta) : undefined;
}

/** The part of the metadata of what is desired that belongs to a delta. */
export function stampsOfDelta(delta: JsonObject, stamps: JsonObject | undefined): JsonObject {
  const picked: [string, Json][] = [];
  for (const [name, value] of Object.entries(delta)) {
    const stamp = memberOf(stamps, name);
    if (stamp === undefined) continue;
    picked.push([name, isJsonObject(value) && isJsonObject(stamp) ? stampsOfDelta(value, stamp) : stamp]);
  }
  return Object.fromEntries(picked);
}
