import { parseTime } from '@ioto/runtime';
import { isPlainObject } from '../items/frozen.ts';
import { DURABILITIES, type Durability, SYNC_DIRECTIONS, type Sync } from './definition.ts';
import { invalid } from './invalid.ts';

/** What happens to a change that finds the queue full: it is refused, or the oldest waiting one is given up for it. */
const FULL = ['oldest', 'refuse'] as const;

/** Bounds of what may wait to go up. */
export interface QueueRule {
  /** Changes of this model that may wait; without it only the limit for all models counts. */
  readonly max?: number;
  readonly full: (typeof FULL)[number];
}

/** How a model's items are kept and synced. */
export interface ModelProcess {
  readonly sync: Sync;
  readonly durability?: Durability;
  /** What both ends changed is merged field by field. */
  readonly merges: boolean;
  /** 0 to 9; changes of a higher one go up first. */
  readonly priority: number;
  readonly queue: QueueRule;
  /** Milliseconds after its last change for which an item that the cloud has stays on the device; without it for ever. */
  readonly keep?: number;
  /** Who may have its items from the device's web server; without it nobody. */
  readonly web?: WebRule;
}

/** Roles of the device's web server. */
export interface WebRule {
  readonly read: string;
  /** Undefined: nobody may write. */
  readonly write?: string;
}

export const DEFAULT_PRIORITY = 5;
export const DEFAULT_QUEUE: QueueRule = Object.freeze({ full: 'refuse' });
const HIGHEST_PRIORITY = 9;

/** Where a model is in use. Only what both ends use is synced. */
const ENABLED = [true, false, 'both', 'device', 'cloud'] as const;

/** What is compared, and won or lost, as a whole. */
const MERGES = ['item', 'fields'] as const;

/**
 * The rules of `process.MODEL`: `enable`, `sync`, `durability`, `mem`, an older way to say that durability is `mem`, and,
 * ours, `merge`, `priority`, `queue`, `keep` and `web`. Others are for programs that show or act on items, and mean nothing here.
 */
export function compileProcess(rules: unknown, model: string): ModelProcess {
  if (rules === undefined) {
    return { sync: 'none', merges: false, priority: DEFAULT_PRIORITY, queue: DEFAULT_QUEUE };
  }
  const where = `process.${model}`;
  if (!isPlainObject(rules)) throw invalid(where, 'must be an object');
  const { enable = true, mem = false, priority = DEFAULT_PRIORITY } = rules;
  if (!ENABLED.some((known) => known === enable)) {
    throw invalid(`${where}.enable`, "must be true, false, 'both', 'device' or 'cloud'");
  }
  if (typeof mem !== 'boolean') throw invalid(`${where}.mem`, 'must be true or false');
  const sync = oneOf(SYNC_DIRECTIONS, rules.sync ?? 'none', `${where}.sync`);
  const durability =
    rules.durability === undefined ? undefined : oneOf(DURABILITIES, rules.durability, `${where}.durability`);
  const isAtBothEnds = enable === true || enable === 'both';
  return {
    sync: isAtBothEnds ? sync : 'none',
    durability: durability ?? (mem ? 'mem' : undefined),
    merges: compileMerge(rules.merge, sync, `${where}.merge`),
    priority: wholeNumber(priority, { from: 0, to: HIGHEST_PRIORITY, where: `${where}.priority` }),
    queue: compileQueue(rules.queue, `${where}.queue`),
    keep: compileKeep(rules.keep, sync, `${where}.keep`),
    web: compileWeb(rules.web, `${where}.web`),
  };
}

function compileWeb(rules: unknown, where: string): WebRule | undefined {
  if (rules === undefined) return undefined;
  if (!isPlainObject(rules)) throw invalid(where, "must be an object as { read: 'user', write: 'admin' }");
  const { read, write, ...others } = rules;
  const [other] = Object.keys(others);
  if (other !== undefined)
    throw invalid(where, `has the unsupported rule ${other}; read and write are known`);
  return Object.freeze({
    read: role(read, `${where}.read`),
    write: write === undefined ? undefined : role(write, `${where}.write`),
  });
}

function role(value: unknown, where: string): string {
  if (typeof value === 'string' && /^[\w.-]{1,64}$/.test(value)) return value;
  throw invalid(where, "must be the name of a role, such as 'user', or 'public' for anybody");
}

/** Only where both ends may change an item is there something to merge. */
function compileMerge(rule: unknown, sync: Sync, where: string): boolean {
  const merges = oneOf(MERGES, rule ?? 'item', where) === 'fields';
  if (merges && sync !== 'up' && sync !== 'both') {
    throw invalid(where, `needs sync 'up' or 'both', but sync is '${sync}'`);
  }
  return merges;
}

function compileQueue(rules: unknown, where: string): QueueRule {
  if (rules === undefined) return DEFAULT_QUEUE;
  if (!isPlainObject(rules)) throw invalid(where, "must be an object as { max: 10000, full: 'oldest' }");
  const { max, full = DEFAULT_QUEUE.full, ...others } = rules;
  const [other] = Object.keys(others);
  if (other !== undefined) throw invalid(where, `has the unsupported rule ${other}; max and full are known`);
  return Object.freeze({
    max: max === undefined ? undefined : wholeNumber(max, { from: 1, where: `${where}.max` }),
    full: oneOf(FULL, full, `${where}.full`),
  });
}

/** What goes both ways or down is held by others too: to remove it here would be to ask for it again. */
function compileKeep(time: unknown, sync: Sync, where: string): number | undefined {
  if (time === undefined) return undefined;
  if (sync !== 'up') throw invalid(where, `needs sync 'up', but sync is '${sync}'`);
  const keep = milliseconds(time, where);
  return keep === Number.POSITIVE_INFINITY ? undefined : keep;
}

function milliseconds(time: unknown, where: string): number {
  try {
    if (typeof time === 'string' || typeof time === 'number') return parseTime(time);
  } catch {
    // Said below, with its place.
  }
  throw invalid(where, "must be a time such as '7 days', '12 hrs' or 'forever'");
}

function wholeNumber(
  value: unknown,
  { from, to, where }: { from: number; to?: number; where: string },
): number {
  const isOne = typeof value === 'number' && Number.isInteger(value);
  if (isOne && value >= from && value <= (to ?? Number.MAX_SAFE_INTEGER)) return value;
  throw invalid(
    where,
    `must be a whole number ${to === undefined ? `of at least ${from}` : `from ${from} to ${to}`}`,
  );
}

function oneOf<T extends string>(known: readonly T[], value: unknown, where: string): T {
  const found = known.find((each) => each === value);
  if (found === undefined) throw invalid(where, `must be one of ${known.join(', ')}`);
  return found;
}
