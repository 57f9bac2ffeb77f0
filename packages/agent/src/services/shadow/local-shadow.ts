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
  /** Members, as a patch of them, of which the cloud may have something else than `base`, whatever that says. */
  unsettled?: JsonObject;
}

export interface Difference {
  state: JsonObject;
  version: number;
}

/**
 * One shadow as the device holds it. What is not in the cloud yet is the difference between `reported` and `base`, and what
 * is unsettled: members that were sent without an answer, or set while it was not known what the cloud has. Those are sent
 * until an update with them is accepted, also where they are as they were.
 */
export class LocalShadow {
  #reported: JsonObject;
  #base: JsonObject;
  #version: number;
  #delta: JsonObject | undefined;
  #unsettled: JsonObject | undefined;
  /** What was unsettled when the update that is under way was sent. */
  #before: JsonObject | undefined;
  /** `base` is what the cloud has. */
  #isKnown = false;

  constructor({ reported, base, version, unsettled }: ShadowMemory = { reported: {}, base: {}, version: 0 }) {
    this.#reported = reported;
    this.#base = base;
    this.#version = version;
    // The last run may have sent what it had not written down as sent.
    this.#unsettled = membersOf(unsettled, patchBetween(base, reported));
  }

  get memory(): ShadowMemory {
    const unsettled = this.#unsettled;
    return {
      ...{ reported: this.#reported, base: this.#base, version: this.#version },
      ...(unsettled && { unsettled }),
    };
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
    const again = this.#unsettled && valuesOf(this.#unsettled, this.#reported);
    return joined(patchBetween(this.#base, this.#reported), again);
  }

  /** What `reported` would be after a change. */
  after(patch: JsonObject): JsonObject {
    return mergeObject(this.#reported, patch);
  }

  report(patch: JsonObject): void {
    this.#reported = this.after(patch);
    if (!this.#isKnown) this.#unsettled = membersOf(this.#unsettled, patch);
  }

  /** An update is on its way: what becomes of it is not known before its answer. */
  sent(patch: JsonObject): void {
    this.#before = this.#unsettled;
    this.#unsettled = membersOf(this.#unsettled, patch);
  }

  /** The cloud has accepted what this device told it, all that was unsettled among it. */
  accepted(patch: JsonObject, version: number): void {
    this.#base = mergeObject(this.#base, patch);
    this.#unsettled = undefined;
    this.#saw(version);
  }

  /** The cloud has not taken the update that was on its way. */
  refused(): void {
    this.#unsettled = this.#before;
  }

  /** What the cloud has is not known before it is fetched. */
  lost(): void {
    this.#isKnown = false;
  }

  /** Somebody else has changed the shadow. */
  updatedByOthers(state: Json | undefined, version: number): void {
    // An answer that comes late, of what is there no more.
    if (version < this.#version) return;
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
    this.#isKnown = true;
  }

  /** The cloud has none: it is told everything. */
  missing(): void {
    this.#base = {};
    this.#version = 0;
    this.#delta = undefined;
    this.#isKnown = true;
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

/** Whether a device that comes up with this tells the cloud something, rather than take over what the cloud has. */
export function isPending({ reported, base, unsettled }: ShadowMemory): boolean {
  return unsettled !== undefined || patchBetween(base, reported) !== undefined;
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

/** The members of either patch, as a patch: one that stands in one of them as a whole stands so. */
function membersOf(one: JsonObject | undefined, other: JsonObject | undefined): JsonObject | undefined {
  if (!one || !other) return one ?? other;
  const all = { ...one };
  for (const [name, value] of Object.entries(other)) {
    const before = memberOf(one, name);
    if (before === undefined) put(all, name, value);
    else if (isJsonObject(before) && isJsonObject(value)) put(all, name, membersOf(before, value) ?? value);
    else put(all, name, isJsonObject(before) ? value : before);
  }
  return all;
}

/** What those members are: null for one that is not there. */
function valuesOf(members: JsonObject, of: JsonObject): JsonObject {
  const entries = Object.entries(members).map(([name, inner]): [string, Json] => {
    const value = memberOf(of, name);
    return [name, isJsonObject(inner) && isJsonObject(value) ? valuesOf(inner, value) : (value ?? null)];
  });
  return Object.fromEntries(entries);
}

/** One patch with the effect of both, which do not contradict each other. */
function joined(one: JsonObject | undefined, other: JsonObject | undefined): JsonObject | undefined {
  if (!one || !other) return one ?? other;
  const all = { ...one };
  for (const [name, value] of Object.entries(other)) {
    const before = memberOf(one, name);
    const both = isJsonObject(before) && isJsonObject(value) ? joined(before, value) : undefined;
    put(all, name, both ?? value);
  }
  return all;
}

/** Also a member of the name `__proto__`. */
function put(object: JsonObject, name: string, value: Json): void {
  Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}
