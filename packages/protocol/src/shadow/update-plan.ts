import { deltaOf, stampsOfDelta } from './delta.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { mergeObject, mergeStamps, stampsOf } from './merge.ts';
import {
  bytesOf,
  SECTIONS,
  SHADOW_LIMITS,
  type ShadowLimits,
  type ShadowSections,
  type ShadowUpdate,
} from './shadow-document.ts';
import { shadowRefusal } from './shadow-errors.ts';

/** A shadow as it is kept. */
export interface ShadowRecord {
  state: ShadowSections;
  /** The same trees, with `{ timestamp }` in the place of each value. */
  metadata: ShadowSections;
  /** Of the first update 1, and one more with each. */
  version: number;
}

/** What an update comes to: the shadow after it, and the bodies of the messages that tell of it. */
export interface UpdatePlan {
  after: ShadowRecord;
  accepted: object;
  /** Absent where what is desired is reported. */
  delta?: object;
  documents: object;
}

/** A shadow that was never updated, or that was removed at this version. */
export function emptyShadow(version = 0): ShadowRecord {
  return { state: {}, metadata: {}, version };
}

/**
 * Decides an update.
 *
 * @param now Seconds since 1970.
 * @throws ShadowError 409 for another version than the shadow's, 413 when it would become too large.
 */
export function planUpdate(
  before: ShadowRecord,
  update: ShadowUpdate,
  now: number,
  limits: ShadowLimits = SHADOW_LIMITS,
): UpdatePlan {
  const { version: expected, clientToken, state } = update;
  if (expected !== undefined && expected !== before.version) throw shadowRefusal.conflict(clientToken);
  const after = afterUpdate(before, state, now);
  if (bytesOf(after.state) > limits.bytes) throw shadowRefusal.tooLarge(clientToken);
  const { version } = after;
  const token = clientToken === undefined ? {} : { clientToken };
  const delta = deltaOf(after.state.desired, after.state.reported);
  const accepted = { state, metadata: state ? stampsOfSent(state, now) : {}, version, timestamp: now };
  const told: UpdatePlan = {
    after,
    accepted: { ...accepted, ...token },
    documents: { previous: { ...before }, current: { ...after }, timestamp: now, ...token },
  };
  if (!delta) return told;
  const metadata = stampsOfDelta(delta, after.metadata.desired);
  return { ...told, delta: { version, timestamp: now, state: delta, metadata, ...token } };
}

/** The document of a shadow, as get shows it. `now` is in seconds since 1970. */
export function shownShadow({ state, metadata, version }: ShadowRecord, now: number, token?: string): object {
  const delta = deltaOf(state.desired, state.reported);
  return {
    state: { ...state, ...(delta ? { delta } : {}) },
    metadata,
    version,
    timestamp: now,
    ...(token === undefined ? {} : { clientToken: token }),
  };
}

function afterUpdate(before: ShadowRecord, state: ShadowUpdate['state'], now: number): ShadowRecord {
  const version = before.version + 1;
  if (state === null) return emptyShadow(version);
  const after: ShadowRecord = { state: { ...before.state }, metadata: { ...before.metadata }, version };
  for (const section of SECTIONS) {
    const patch = state[section];
    if (patch === undefined) continue;
    const [values, stamps] = [before.state[section], before.metadata[section]];
    const merged = patch === null ? {} : mergeObject(values, patch);
    // An emptied section is no section.
    if (patch === null || Object.keys(merged).length === 0) {
      delete after.state[section];
      delete after.metadata[section];
    } else {
      after.state[section] = merged;
      after.metadata[section] = mergeStamps(values, stamps, patch, now);
    }
  }
  return after;
}

function stampsOfSent(state: NonNullable<ShadowUpdate['state']>, now: number): JsonObject {
  const sent = Object.entries(state).filter(([, section]) => section === null || isJsonObject(section));
  return Object.fromEntries(sent.map(([name, section]) => [name, stampsOf(section, now)] as const));
}
