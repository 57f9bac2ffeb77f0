import { PANEL_FIELDS } from './schema.ts';

/** A write that its writer was told is durable. */
export interface Promised {
  /** Names the item: model and name, and the device where each has its own. */
  item: string;
  /** Of the version that was made. An owner who removes is told no time: one that it must be later than. */
  updated: string;
  /** The version is later than `updated`. */
  isBefore?: boolean;
  /** Of a removal: what `removes` gave. */
  attempt?: number;
  /** Of a removal: it is no later than this; default `updated`. */
  latest?: string;
  /** What was written; nothing for a removal. */
  fields?: Readonly<Record<string, string>>;
}

/** What there is of an item in the end. */
export interface Held {
  /** Its fields and time; nothing when it is not there. */
  fields?: Readonly<Record<string, unknown>>;
  /** By field, of an item that is merged so. */
  times?: Readonly<Record<string, string>>;
  /** Of the item; or of its removal, where somebody remembers it. */
  updated?: string;
}

export interface Missing {
  /** What was written, by which the conflict log names it; undefined for a removal. */
  value: string | undefined;
  updated: string;
  words: string;
}

interface Newest extends Promised {
  /** Two writers made versions at the same time. */
  isTied?: boolean;
  /** How many promises and attempts there had been. */
  at: number;
}

/** What was promised in a run and has to be there at its end: of each item the newest. */
export class Ledger {
  readonly #newest = new Map<string, Newest>();
  /** By item and field. */
  readonly #fields = new Map<string, Newest>();
  /** By item, the time of its latest removal. */
  readonly #removed = new Map<string, string>();
  /** By item, the removals of which nobody knows what became. */
  readonly #open = new Map<string, Set<number>>();
  #count = 0;

  get promises(): number {
    return this.#count;
  }

  /** Somebody is about to remove the item, and may never learn whether it was removed; to be named with the promise. */
  removes(item: string): number {
    this.#count += 1;
    const open = this.#open.get(item) ?? new Set();
    this.#open.set(item, open.add(this.#count));
    return this.#count;
  }

  promised(promise: Promised): void {
    this.#count += 1;
    const { item, fields, updated, attempt = 0, latest = updated } = promise;
    remember(this.#newest, item, { ...promise, at: this.#count });
    this.#open.get(item)?.delete(attempt);
    if (!fields && latest > (this.#removed.get(item) ?? '')) this.#removed.set(item, latest);
    for (const name of Object.keys(fields ?? {})) {
      if (!isMerged(item)) break;
      remember(this.#fields, `${item}.${name}`, { ...promise, at: this.#count });
    }
  }

  /** Items of which something was promised. */
  get items(): string[] {
    return [...this.#newest.keys()];
  }

  /** What was promised and is not there, nor anything later in its place. */
  missing(heldOf: (item: string) => Held): Missing[] {
    const items = [...this.#newest.values()].filter(
      (promise) => !this.#isThere(promise, heldOf(promise.item)),
    );
    const fields = [...this.#fields].flatMap(([name, promise]) => {
      const field = name.slice(promise.item.length + 1);
      return this.#isFieldThere(promise, field, heldOf(promise.item)) ? [] : [promise];
    });
    return [...items, ...fields].map((promise) => missing(promise, heldOf(promise.item)));
  }

  #isThere(promise: Newest, held: Held): boolean {
    const { item, updated, isBefore, isTied, fields, at } = promise;
    if (!held.fields) {
      if (!fields) return true;
      // Of what only goes down no device remembers when it was removed.
      if (held.updated === undefined) return this.#mayBeRemoved(item, at);
      return held.updated >= updated;
    }
    if (held.updated !== updated) return String(held.updated) > updated;
    if (isBefore) return false;
    if (isTied) return true;
    return fields !== undefined && (isMerged(item) || hasAll(held.fields, fields));
  }

  #isFieldThere({ item, updated, fields, at, isTied }: Newest, field: string, held: Held): boolean {
    if (held.fields?.[field] === fields?.[field]) return true;
    // A removal is of the whole item: what was older went with it.
    if ((this.#removed.get(item) ?? '') >= updated || this.#mayBeRemoved(item, at)) return true;
    if (!held.fields) return String(held.updated) >= updated;
    const time = String(held.times?.[field] ?? held.times?.['*'] ?? held.updated);
    return time > updated || (isTied === true && time === updated);
  }

  #mayBeRemoved(item: string, at: number): boolean {
    return [...(this.#open.get(item) ?? [])].some((attempt) => attempt > at);
  }
}

export const isMerged = (item: string): boolean => item.startsWith('Panel/');

export function fieldNames(model: string): readonly string[] {
  return model === 'Panel' ? PANEL_FIELDS : ['value'];
}

function remember(newest: Map<string, Newest>, name: string, promise: Newest): void {
  const known = newest.get(name);
  if (!known || promise.updated > known.updated) newest.set(name, promise);
  else if (promise.updated === known.updated && !promise.isBefore) {
    newest.set(name, { ...promise, isTied: !known.isBefore });
  }
}

function missing({ item, fields, updated, isBefore }: Promised, held: Held): Missing {
  const what = fields ? JSON.stringify(fields) : 'its removal';
  const words = `${item}: promised ${what} ${isBefore ? 'after' : 'of'} ${updated}, found ${JSON.stringify(held)}`;
  return { value: Object.values(fields ?? {})[0], updated, words };
}

function hasAll(held: Readonly<Record<string, unknown>>, fields: Readonly<Record<string, string>>): boolean {
  return Object.entries(fields).every(([name, value]) => held[name] === value);
}
