import type { ChangeCommand } from '@ioto/protocol';
import { keyText } from '../items/record.ts';
import type { ItemKey, Properties } from '../schema/definition.ts';

/** An entry as it is kept: the item itself is in the item table, unless it was removed. */
export interface Pending extends ItemKey {
  readonly model: string;
  readonly cmd: ChangeCommand;
  readonly version: number;
  /** Of a removed item what names it on the wire. */
  readonly removal?: Properties;
  /** False until its commit is on disk. */
  durable: boolean;
}

/** Which items wait to be acknowledged, one entry each, in order of version. */
export class OutboxTable {
  #byKey = new Map<string, Pending>();
  readonly #byVersion = new Map<number, Pending>();
  #sorted = true;

  get size(): number {
    return this.#byKey.size;
  }

  get(key: ItemKey): Pending | undefined {
    return this.#byKey.size === 0 ? undefined : this.#byKey.get(keyText(key));
  }

  byVersion(version: number): Pending | undefined {
    return this.#byVersion.get(version);
  }

  /** The newest entry of an item takes the place of an older one, at the end of the row. Returns the older one. */
  put(entry: Pending): Pending | undefined {
    const previous = this.remove(entry);
    this.#byKey.set(keyText(entry), entry);
    this.#byVersion.set(entry.version, entry);
    return previous;
  }

  remove(key: ItemKey): Pending | undefined {
    if (this.#byKey.size === 0) return undefined;
    const text = keyText(key);
    const previous = this.#byKey.get(text);
    if (!previous) return undefined;
    this.#byKey.delete(text);
    this.#byVersion.delete(previous.version);
    return previous;
  }

  /** Takes changes back: entries as they were before them, which are older than what has come since. */
  restore(key: ItemKey, entry: Pending | undefined): void {
    this.remove(key);
    if (!entry) return;
    this.put(entry);
    this.#sorted = false;
  }

  entries(): IterableIterator<Pending> {
    if (!this.#sorted) {
      this.#byKey = new Map([...this.#byKey].sort(([, a], [, b]) => a.version - b.version));
      this.#sorted = true;
    }
    return this.#byKey.values();
  }
}

/** What a row of changes of one item comes to, when none of them has been acknowledged. */
export function coalesce(earlier: ChangeCommand | undefined, later: ChangeCommand): ChangeCommand {
  if (earlier === undefined || later === 'remove') return later;
  if (earlier === 'create' && later !== 'create') return 'create';
  if (earlier === 'update' && later === 'update') return 'update';
  return 'upsert';
}
