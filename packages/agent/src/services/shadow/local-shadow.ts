import {
  deltaOf,
  isJsonObject,
  type Json,
  type JsonObject,
  memberOf,
  mergeObject,
  sameJson,
} from '@ioto/protocol';

/** What is kept of a shadow when the device is off. */
export interface ShadowMemory {
  /** As the device reports it. */
  reported: JsonObject;
  /** What of that the cloud has accepted, with what others have reported there. */
  base: JsonObject;
  /** The latest that the cloud has told; 0 for none. */
  version: number;
}

export interface Difference {
  state: JsonObject;
  version: number;
}

/**
 * One shadow as the device holds it. What is not in the cloud yet is the difference between `reported` and `base`, so that
 * nothing has to be remembered of how it came to be.
 */
export class LocalShadow {
  #reported: JsonObject;
  #base: JsonObject;
  #version: number;
  #delta: JsonObject | undefined;

  constructor({ reported, base, version }: ShadowMemory = { reported: {}, base: {}, version: 0 }) {
    this.#reported = reported;
    this.#base = base;
    this.#version = version;
  }

  get memory(): ShadowMemory {
    return { reported: this.#reported, base: this.#base, version: this.#version };
  }

  /** A copy of the value at a path, or of everything. */
  get(path: readonly string[]): Json | undefined {
    let value: Json | undefined = this.#reported;
    for (const name of path) value = isJsonObject(value) ? memberOf(value, name) : undefined;
    return structuredClone(value);
  }

  /** What the cloud desires and the device does not report, as far as is known. */
  get delta(): Difference | undefined {
    const state = deltaOf(this.#delta, this.#reported);
    return state && { state: structuredClone(state), version: this.#version };
  }

  /** What the cloud is to be told; undefined when it knows all. */
  get patch(): JsonObject | undefined {
    return patchBetween(this.#base, this.#reported);
  }

  /** What `reported` would be after a change. */
  after(patch: JsonObject): JsonObject {
    return mergeObject(this.#reported, patch);
  }

  report(patch: JsonObject): void {
    this.#reported = this.after(patch);
  }

  /** The cloud has accepted what this device told it. */
  accepted(patch: JsonObject, version: number): void {
    this.#base = mergeObject(this.#base, patch);
    this.#saw(version);
  }

  /** Somebody else has changed the shadow. */
  updatedByOthers(state: Json | undefined, version: number): void {
    this.#saw(version);
    const { reported, desired } = isJsonObject(state) ? state : { reported: state, desired: state };
    // Where all is taken away that the device has reported, it reports it anew.
    if (reported === null) this.#base = {};
    else if (isJsonObject(reported)) this.#adopt(mergeObject(this.#base, reported));
    if (desired === null) this.#delta = undefined;
    else if (isJsonObject(desired)) this.#delta = mergeObject(this.#delta, desired);
  }

  /** The shadow as the cloud has it. */
  fetched(reported: JsonObject | undefined, delta: JsonObject | undefined, version: number): void {
    if (reported) this.#adopt(reported);
    else this.#base = {};
    this.#version = version;
    this.#delta = delta;
  }

  /** The cloud has none: it is told everything. */
  missing(): void {
    this.#base = {};
    this.#version = 0;
    this.#delta = undefined;
  }

  /** A message told a difference. False for one that a later one has overtaken. */
  differs(delta: JsonObject, version: number): boolean {
    if (version < this.#version) return false;
    this.#version = version;
    this.#delta = delta;
    return true;
  }

  /** What others have reported is taken over; what this device has changed meanwhile stays changed. */
  #adopt(base: JsonObject): void {
    const patch = this.patch;
    this.#base = base;
    this.#reported = patch ? mergeObject(base, patch) : base;
  }

  #saw(version: number): void {
    this.#version = Math.max(this.#version, version);
  }
}

/** The update that makes the second out of the first; undefined when they say the same. */
export function patchBetween(from: JsonObject, to: JsonObject): JsonObject | undefined {
  const patch: [string, Json][] = [];
  for (const name of Object.keys(from)) if (!Object.hasOwn(to, name)) patch.push([name, null]);
  for (const [name, value] of Object.entries(to)) {
    const before = memberOf(from, name);
    if (sameJson(before, value)) continue;
    // An object that was none is sent whole: the cloud merges it into nothing.
    const inner = isJsonObject(before) && isJsonObject(value) ? patchBetween(before, value) : value;
    if (inner !== undefined) patch.push([name, inner]);
  }
  return patch.length > 0 ? Object.fromEntries(patch) : undefined;
}
