import { isJsonObject, type Json, type JsonObject, memberOf } from './json.ts';

/**
 * An object after an update: objects go into each other, null takes a member away, everything else replaces. An object
 * that has lost all its members stays, as one that was sent empty does.
 */
export function mergeObject(before: JsonObject | undefined, patch: JsonObject): JsonObject {
  const after = new Map<string, Json>(Object.entries(before ?? {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) after.delete(name);
    else after.set(name, isJsonObject(value) ? mergeObject(objectAt(before, name), value) : value);
  }
  return Object.fromEntries(after);
}

/** The metadata of what was sent: the same tree, with the time in the place of each value. Seconds since 1970. */
export function stampsOf(value: Json, timestamp: number): JsonObject {
  if (!isJsonObject(value)) return { timestamp };
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [name, stampsOf(each, timestamp)] as const),
  );
}

/** The metadata of an object after the same update. `before` and `stamps` are the object before it, and its metadata. */
export function mergeStamps(
  before: JsonObject | undefined,
  stamps: JsonObject | undefined,
  patch: JsonObject,
  timestamp: number,
): JsonObject {
  const after = new Map<string, Json>(Object.entries(stamps ?? {}));
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) after.delete(name);
    else if (!isJsonObject(value)) after.set(name, { timestamp });
    else {
      // Of a value that was no object, the metadata is a time, which nothing goes into.
      const inner = objectAt(before, name);
      const known = inner && objectAt(stamps, name);
      after.set(name, mergeStamps(inner, known, value, timestamp));
    }
  }
  return Object.fromEntries(after);
}

function objectAt(object: JsonObject | undefined, name: string): JsonObject | undefined {
  const value = memberOf(object, name);
  return isJsonObject(value) ? value : undefined;
}
