import type { ChangeCommand } from '@ioto/protocol';
import { keyText } from '../items/record.ts';
import type { Schema } from '../schema/compile.ts';
import type { ItemKey, Properties } from '../schema/definition.ts';
import { DEFAULT_PRIORITY } from '../schema/process.ts';
import { sendOrder } from './send-order.ts';
import { VersionRow } from './version-row.ts';

/** An entry as it is kept: the item itself is in the item table, unless it was removed. */
export interface Pending extends ItemKey {
  readonly model: string;
  readonly cmd: ChangeCommand;
  readonly version: number;
  /** Of a removed item what names it on the wire. */
  readonly removal?: Properties;
  /** The cloud has an earlier version of the item: it has acknowledged or sent it. Not on disk. */
  isKnown?: boolean;
  /**
   * `updated` of the item as it was before it began to wait, ISO, '' for none: the version of the cloud's that its writer
   * had seen. Undefined where that version is not known to be the cloud's. Not on disk: after a restart nobody knows.
   */
  base?: string;
  /** False until its commit is on disk. */
  durable: boolean;
  /** The cloud may have heard of a change of this item since it waits. Not on disk: after a restart it may have of all. */
  sent: boolean;
}

/** The entries of one model, in order of version. */
class WaitingRow extends VersionRow<Pending> {
  readonly priority: number;

  constructor(priority: number) {
    super();
    this.priority = priority;
  }
}

/** Which items wait to be acknowledged, one entry each, by model and in order of version. */
export class OutboxTable {
  readonly #schema: Pick<Schema, 'models'>;
  readonly #byKey = new Map<string, Pending>();
  readonly #byVersion = new Map<number, Pending>();
  readonly #rows = new Map<string, WaitingRow>();

  constructor(schema: Pick<Schema, 'models'>) {
    this.#schema = schema;
  }

  get size(): number {
    return this.#byKey.size;
  }

  /** Entries of one model. */
  sizeOf(model: string): number {
    return this.#rows.get(model)?.size ?? 0;
  }

  /** The entry that has waited longest of those whose versions are not in `versions`. */
  oldestBut(versions: ReadonlySet<number>): Pending | undefined {
    let oldest: Pending | undefined;
    for (const row of this.#rows.values()) {
      for (const entry of row.values()) {
        if (versions.has(entry.version)) continue;
        if (!oldest || entry.version < oldest.version) oldest = entry;
        break;
      }
    }
    return oldest;
  }

  get(key: ItemKey): Pending | undefined {
    return this.#byKey.size === 0 ? undefined : this.#byKey.get(keyText(key));
  }

  byVersion(version: number): Pending | undefined {
    return this.#byVersion.get(version);
  }

  /** The newest entry of an item takes the place of an older one, at the end of the row. Returns the older one. */
  put(entry: Pending): Pending | undefined {
    const text = keyText(entry);
    const previous = this.#drop(text);
    this.#byKey.set(text, entry);
    this.#byVersion.set(entry.version, entry);
    this.#row(entry.model).put(entry);
    return previous;
  }

  remove(key: ItemKey): Pending | undefined {
    return this.#byKey.size === 0 ? undefined : this.#drop(keyText(key));
  }

  /** Takes changes back: entries as they were before them. */
  restore(key: ItemKey, entry: Pending | undefined): void {
    this.remove(key);
    if (entry) this.put(entry);
  }

  /** All entries, model by model. */
  *entries(): Generator<Pending, void> {
    for (const row of this.#rows.values()) yield* row.values();
  }

  /** The entries of one model, oldest first. */
  entriesOf(model: string): Iterable<Pending> {
    return this.#rows.get(model)?.values() ?? [];
  }

  /** The entries that are ready, in the order in which they are to go up. @param served How many went before. */
  inOrder(served: number, isReady: (entry: Pending) => boolean): Iterable<Pending> {
    return sendOrder(this.#rows.values(), served, isReady);
  }

  #drop(text: string): Pending | undefined {
    const previous = this.#byKey.get(text);
    if (!previous) return undefined;
    this.#byKey.delete(text);
    this.#byVersion.delete(previous.version);
    this.#row(previous.model).remove(previous.version);
    return previous;
  }

  #row(model: string): WaitingRow {
    const known = this.#rows.get(model);
    if (known) return known;
    const row = new WaitingRow(this.#schema.models.get(model)?.priority ?? DEFAULT_PRIORITY);
    this.#rows.set(model, row);
    return row;
  }
}

/** What a row of changes of one item comes to, when none of them has been acknowledged. */
export function coalesce(earlier: ChangeCommand | undefined, later: ChangeCommand): ChangeCommand {
  if (earlier === undefined || later === 'remove') return later;
  if (earlier === 'create' && later !== 'create') return 'create';
  if (earlier === 'update' && later === 'update') return 'update';
  return 'upsert';
}
