import type { ChangeCommand } from '@ioto/protocol';
import { sizeOf, valueSize } from '../items/extent.ts';
import { type ItemRecord, recordOf } from '../items/record.ts';
import type { Context, ItemKey, Properties } from '../schema/definition.ts';
import type { Tombstone } from '../tombstones/tombstone-table.ts';

/**
 * What the journal and the snapshot are made of. Each says what is so afterwards, never what to add to what was before,
 * so that replaying one twice does no harm.
 */
export type Operation =
  /**
   * The item is this. `outbox` says as what it waits to be synced; without it, it does not wait. `base` is of the moment,
   * and not written.
   */
  | {
      readonly op: 'put';
      readonly seq: number;
      readonly record: ItemRecord;
      readonly outbox?: ChangeCommand;
      /** `updated` of the version of the cloud's that the item was made from, where that is not what it replaces. */
      readonly base?: string;
    }
  /** There is no such item. With `removal` that waits to be synced. */
  | { readonly op: 'remove'; readonly seq: number; readonly key: ItemKey; readonly removal?: Removal }
  /** The item, or its removal, waits to be synced. */
  | {
      readonly op: 'queue';
      readonly seq: number;
      readonly key: ItemKey;
      readonly model: string;
      readonly cmd: ChangeCommand;
      readonly removal?: Properties;
    }
  /** These versions wait no longer. */
  | { readonly op: 'acknowledge'; readonly versions: readonly number[] }
  /** These versions wait no longer, and count as lost where they did wait. */
  | {
      readonly op: 'lose';
      readonly model: string;
      readonly versions: readonly number[];
      readonly reason: LossReason;
    }
  /** This many changes of each model have been lost so far. */
  | { readonly op: 'lost'; readonly counts: Readonly<Record<string, number>> }
  /** An item was removed, which is to be remembered. */
  | { readonly op: 'tombstone'; readonly tombstone: Tombstone }
  /** No removal is remembered. */
  | { readonly op: 'forget' }
  | { readonly op: 'context'; readonly context: Context };

/** Why a change was given up: its queue was full, or its item expired before it went up. */
export type LossReason = 'full' | 'expired';

/** What names a removed item on the wire. */
export interface Removal {
  readonly model: string;
  readonly attributes: Properties;
}

/** About how many characters an operation takes in a journal, without making them. */
export function sizeOfOperation(operation: Operation): number {
  return operation.op === 'put' ? sizeOf(operation.record) : valueSize(operation);
}

/** Characters up to which JSON.parse shares equal texts by itself. */
const SHORT = 9;

/** The form of an operation in JSON: a list that begins with the operation's letter. */
export function toRow(operation: Operation): readonly unknown[] {
  switch (operation.op) {
    case 'put': {
      const { seq, record, outbox } = operation;
      const row = ['p', seq, record.pk, record.sk, record.model, record.attributes];
      return outbox ? [...row, outbox] : row;
    }
    case 'remove': {
      const { seq, key, removal } = operation;
      const row = ['r', seq, key.pk, key.sk];
      return removal ? [...row, removal.model, removal.attributes] : row;
    }
    case 'queue': {
      const { seq, key, model, cmd, removal } = operation;
      return ['q', seq, key.pk, key.sk, model, cmd, ...(removal ? [removal] : [])];
    }
    case 'acknowledge':
      return ['a', operation.versions];
    case 'lose':
      return ['l', operation.versions, operation.model, operation.reason];
    case 'lost':
      return ['n', operation.counts];
    case 'tombstone': {
      const { pk, sk, model, updated, at } = operation.tombstone;
      return ['t', at, pk, sk, model, updated];
    }
    case 'forget':
      return ['f'];
    case 'context':
      return ['c', operation.context];
  }
}

/** The inverse of `toRow`, over what JSON.parse made of its text. Throws for a row of no known form. */
export function fromRow(row: unknown, texts: TextStore): Operation {
  if (!Array.isArray(row)) throw new TypeError('an operation is a list');
  const [letter, first, pk, sk, model, fifth, sixth] = row as [string, never, ...never[]];
  const key = { pk, sk } as unknown as ItemKey;
  if (typeof pk === 'string') key.pk = texts.share('pk', pk);
  switch (letter) {
    case 'p': {
      const record = recordOf(key, model as unknown as string, texts.freeze(fifth) as Properties);
      return { op: 'put', seq: first, record, outbox: sixth };
    }
    case 'r':
      return {
        op: 'remove',
        seq: first,
        key,
        removal:
          model === undefined ? undefined : { model, attributes: deepFreeze(fifth ?? {}) as Properties },
      };
    case 'q':
      return { op: 'queue', seq: first, key, model: model as never, cmd: fifth as never, removal: sixth };
    case 'a':
      return { op: 'acknowledge', versions: first };
    case 'l':
      return { op: 'lose', versions: first, model: pk as never, reason: sk as never };
    case 'n':
      return { op: 'lost', counts: first };
    case 't':
      return {
        op: 'tombstone',
        tombstone: { ...key, model: model as never, updated: fifth as never, at: first },
      };
    case 'f':
      return { op: 'forget' };
    case 'c':
      return { op: 'context', context: first };
    default:
      throw new TypeError(`no operation begins with ${JSON.stringify(letter)}`);
  }
}

/**
 * Items of one kind have many values in common, and JSON.parse makes each of them anew: of those that come one after the
 * other only the first is kept.
 */
export class TextStore {
  readonly #latest = new Map<string, string>();
  readonly #attributes = new Map<string, new () => Record<string, unknown>>();

  share(name: string, text: string): string {
    const latest = this.#latest.get(name);
    if (latest === text) return latest;
    this.#latest.set(name, text);
    return text;
  }

  /**
   * Makes plain objects that are to get these properties. Each list of names has a function of its own, since the engine
   * sizes what a function makes by what its first objects get: then an object is in one piece, and takes less memory.
   */
  attributesOf(names: readonly string[]): new () => Record<string, unknown> {
    const text = names.join('\0');
    let known = this.#attributes.get(text);
    if (!known) {
      known = function Attributes() {} as unknown as new () => Record<string, unknown>;
      known.prototype = Object.prototype;
      this.#attributes.set(text, known);
    }
    return known;
  }

  /** The same for any value; what is an object is frozen. Shorter texts are shared by JSON.parse itself. */
  shared(name: string, value: unknown): unknown {
    if (typeof value === 'string' && value.length > SHORT) return this.share(name, value);
    return typeof value === 'object' ? deepFreeze(value) : value;
  }

  /** Freezes attributes that JSON.parse has just made. */
  freeze(attributes: unknown): unknown {
    if (typeof attributes !== 'object' || attributes === null) return attributes;
    const own = attributes as Record<string, unknown>;
    for (const name in own) own[name] = this.shared(name, own[name]);
    return Object.freeze(attributes);
  }
}

/** Only for what JSON.parse has just made: nobody else holds it. */
export function deepFreeze(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
