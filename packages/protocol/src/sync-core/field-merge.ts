import { canonicalText } from './canonical.ts';
import { compareTimes } from './version.ts';

/**
 * When each field got its value: ISO 8601, by its writer's clock. `*` is the time of the fields that are not named. The
 * name that they have in an item is `FIELD_TIMES`.
 */
export type FieldTimes = Readonly<Record<string, string>>;

/** The hidden field in which an item of a merging model carries its field times. Missing: all are of `updated`. */
export const FIELD_TIMES = '_times';
const OTHERS = '*';

/** An item whose fields are compared one by one. */
export interface MergeItem {
  /** The latest time of any field. */
  readonly updated: string;
  readonly times?: FieldTimes;
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Of each field the later value; of equal times the larger text. Both ends come to the same item, in whatever order and
 * however often they merge: the order of the fields is total, and the merge commutative, associative and idempotent.
 *
 * @param names Every field that is merged, also one that neither item has a value for.
 */
export function mergeItems(a: MergeItem, b: MergeItem, names: Iterable<string>): MergeItem {
  const fields: Record<string, unknown> = {};
  const times = new Map<string, string>();
  for (const name of names) {
    const [one, other] = [timeOfField(a, name), timeOfField(b, name)];
    const order = compareTimes(one, other) || compareTexts(textOf(a.fields[name]), textOf(b.fields[name]));
    const winner = order < 0 ? b : a;
    times.set(name, order < 0 ? other : one);
    const value = winner.fields[name];
    if (value !== undefined && value !== null) fields[name] = value;
  }
  const updated = compareTimes(a.updated, b.updated) < 0 ? b.updated : a.updated;
  return withTimes({ updated, fields }, times);
}

/**
 * The field times of an item that was changed: what differs is of now, all else keeps the time that it had.
 *
 * @param before What the writer saw; undefined for a new item.
 */
export function timesAfter(
  before: MergeItem | undefined,
  after: Omit<MergeItem, 'times'>,
  names: Iterable<string>,
): FieldTimes | undefined {
  if (!before) return undefined;
  const times = new Map<string, string>();
  for (const name of names) {
    const isSame = textOf(before.fields[name]) === textOf(after.fields[name]);
    times.set(name, isSame ? timeOfField(before, name) : after.updated);
  }
  return withTimes(after, times).times;
}

/** Whether two items would merge to the same, times included. */
export function isSameMerge(a: MergeItem, b: MergeItem, names: Iterable<string>): boolean {
  for (const name of names) {
    if (textOf(a.fields[name]) !== textOf(b.fields[name])) return false;
    if (compareTimes(timeOfField(a, name), timeOfField(b, name)) !== 0) return false;
  }
  return true;
}

/** Field times as they came from elsewhere: undefined for what are none, and none later than the item itself. */
export function readFieldTimes(value: unknown, updated: string): FieldTimes | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const times: Record<string, string> = {};
  for (const [name, time] of Object.entries(value)) {
    if (typeof time !== 'string' || Number.isNaN(Date.parse(time))) continue;
    const iso = new Date(time).toISOString();
    times[name] = compareTimes(iso, updated) > 0 ? updated : iso;
  }
  return Object.keys(times).length > 0 ? times : undefined;
}

function timeOfField({ times, updated }: MergeItem, name: string): string {
  if (!times) return updated;
  return (Object.hasOwn(times, name) ? times[name] : times[OTHERS]) ?? updated;
}

/** In the one form that an item of these times has: the earliest is that of the fields that are not named. */
function withTimes(item: Omit<MergeItem, 'times'>, all: ReadonlyMap<string, string>): MergeItem {
  const earliest = [...all.values()].reduce(
    (least, time) => (compareTimes(time, least) < 0 ? time : least),
    item.updated,
  );
  const later = [...all].filter(([, time]) => compareTimes(time, earliest) > 0);
  if (later.length === 0 && compareTimes(earliest, item.updated) === 0) return item;
  return { ...item, times: { [OTHERS]: earliest, ...Object.fromEntries(later.sort(byName)) } };
}

const byName = ([a]: [string, string], [b]: [string, string]) => compareTexts(a, b);

function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** The value as text that is the same at both ends; an absent one is the smallest. */
function textOf(value: unknown): string {
  return value === undefined || value === null ? '' : canonicalText(value);
}
