import { type Claims, onUp } from './cloud-end.ts';
import { type DownFacts, onDown } from './device-end.ts';
import { type FieldTimes, type MergeItem, timesAfter } from './field-merge.ts';
import { onDownMerging, onUpMerging } from './merging-ends.ts';
import { type Held, versionOf } from './two-ends.fixture.ts';

type Applied = { kind: 'apply'; held: Held; waits: boolean };
type Written = { kind: 'write'; held: Held; claims?: Claims; tell: boolean };

/** How the ends of the model decide. */
export interface Rules {
  /** What the program or the owner makes of what it sees; undefined for a removal. */
  change(before: Held | undefined, value: string | undefined, updated: string): Held;
  down(
    own: { held: Held; waiting: boolean } | undefined,
    incoming: Held,
    facts: DownFacts,
  ): Applied | { kind: 'keep' | 'sendBack' };
  up(
    before: { held: Held; claims?: Claims } | undefined,
    sent: { held: Held; deviceId: string },
    now: number,
  ): Written | { kind: 'stale' | 'same' | 'seen' };
}

/** The newest version of an item wins. */
export const wholeItems: Rules = {
  change: (_before, value, updated) => heldOf(value, updated),
  down(own, incoming, facts) {
    const held = own && { ...versionOf(own.held), waiting: own.waiting };
    const kind = onDown(held, versionOf(incoming), facts);
    return kind === 'apply' ? { kind, held: incoming, waits: false } : { kind };
  },
  up(before, { held, deviceId }, now) {
    const current = before && { ...versionOf(before.held), claims: before.claims };
    const verdict = onUp(current, { ...versionOf(held), deviceId }, now);
    if (verdict.kind !== 'write') return verdict;
    const { updated, claims, redated } = verdict;
    return { kind: 'write', held: { ...held, updated }, claims, tell: redated };
  },
};

/** The fields that a model's items have here; their text is the value that is held. */
const NAMES = ['a', 'b'];

/** Each field on its own. The program changes one field at a time. */
export const mergedByField: Rules = {
  change(before, value, updated) {
    if (value === undefined) return heldOf(undefined, updated);
    const old = before && itemOf(before);
    // So that different writers change the same field, and one writer different ones.
    const name = NAMES[value.length % 2] as string;
    const after = { updated, fields: { ...old?.fields, [name]: value } };
    return heldItem({ ...after, times: timesAfter(old, after, NAMES) });
  },
  down(own, incoming, facts) {
    const held = own && { ...mergingOf(own.held), waiting: own.waiting };
    const verdict = onDownMerging(held, mergingOf(incoming), { ...facts, names: NAMES });
    if (verdict.kind !== 'apply') return { kind: verdict.kind };
    return {
      kind: 'apply',
      held: verdict.merged ? heldItem(verdict.merged) : incoming,
      waits: verdict.waits,
    };
  },
  up(before, { held, deviceId }, now) {
    const current = before && { ...mergingOf(before.held), claims: before.claims };
    const verdict = onUpMerging(current, { ...mergingOf(held), deviceId }, { names: NAMES, now });
    if (verdict.kind !== 'write') return verdict;
    const { item, updated, claims, tell } = verdict;
    return { kind: 'write', held: item ? heldItem(item) : heldOf(undefined, updated), claims, tell };
  },
};

function heldOf(value: string | undefined, updated: string): Held {
  return { updated, value: value ?? '', removed: value === undefined || undefined };
}

function heldItem({ updated, fields, times }: MergeItem): Held {
  return { updated, value: JSON.stringify({ fields: NAMES.map((name) => fields[name] ?? null), times }) };
}

export function itemOf({ updated, removed, value }: Held): MergeItem | undefined {
  if (removed) return undefined;
  const { fields, times } = JSON.parse(value) as { fields: unknown[]; times?: FieldTimes };
  return { updated, times, fields: Object.fromEntries(NAMES.map((name, at) => [name, fields[at]])) };
}

function mergingOf(held: Held) {
  return { ...versionOf(held), item: itemOf(held) };
}

/** Whether what is held has everything that the other item brings. */
export function holds(held: Held, other: Held): boolean {
  const verdict = mergedByField.up({ held }, { held: other, deviceId: 'any' }, Number.MAX_SAFE_INTEGER);
  return verdict.kind === 'same' || verdict.kind === 'stale';
}
