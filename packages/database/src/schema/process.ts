import { isPlainObject } from '../items/frozen.ts';
import { DURABILITIES, type Durability, SYNC_DIRECTIONS, type Sync } from './definition.ts';
import { invalid } from './invalid.ts';

/** How a model's items are kept and synced. */
export interface ModelProcess {
  readonly sync: Sync;
  readonly durability?: Durability;
  /** What both ends changed is merged field by field. */
  readonly merges: boolean;
}

/** Where a model is in use. Only what both ends use is synced. */
const ENABLED = [true, false, 'both', 'device', 'cloud'] as const;

/** What is compared, and won or lost, as a whole. */
const MERGES = ['item', 'fields'] as const;

/**
 * The rules of `process.MODEL`: `enable`, `sync`, `durability`, `merge`, and `mem`, an older way to say that durability is
 * `mem`.
 * Others are for programs that show or act on items, and mean nothing here.
 */
export function compileProcess(rules: unknown, model: string): ModelProcess {
  if (rules === undefined) return { sync: 'none', merges: false };
  const where = `process.${model}`;
  if (!isPlainObject(rules)) throw invalid(where, 'must be an object');
  const { enable = true, mem = false } = rules;
  if (!ENABLED.some((known) => known === enable)) {
    throw invalid(`${where}.enable`, "must be true, false, 'both', 'device' or 'cloud'");
  }
  if (typeof mem !== 'boolean') throw invalid(`${where}.mem`, 'must be true or false');
  const sync = oneOf(SYNC_DIRECTIONS, rules.sync ?? 'none', `${where}.sync`);
  const durability =
    rules.durability === undefined ? undefined : oneOf(DURABILITIES, rules.durability, `${where}.durability`);
  const isAtBothEnds = enable === true || enable === 'both';
  const merge = oneOf(MERGES, rules.merge ?? 'item', `${where}.merge`);
  if (merge === 'fields' && sync !== 'up' && sync !== 'both') {
    throw invalid(
      `${where}.merge`,
      "is for models whose sync is 'up' or 'both': only then may both ends change an item",
    );
  }
  return {
    sync: isAtBothEnds ? sync : 'none',
    durability: durability ?? (mem ? 'mem' : undefined),
    merges: merge === 'fields',
  };
}

function oneOf<T extends string>(known: readonly T[], value: unknown, where: string): T {
  const found = known.find((each) => each === value);
  if (found === undefined) throw invalid(where, `must be one of ${known.join(', ')}`);
  return found;
}
