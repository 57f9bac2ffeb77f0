import type { ItemKey, Model, Schema } from '@ioto/database';
import { FIELD_TIMES } from '@ioto/protocol';
import type { StoredItem, StoredKey } from '../../ports/item-store.ts';
import { knownFields, readerOf, withToldFields } from './model-reader.ts';
import { tenantKey } from './tenant-key.ts';

/** The latest time that a date can hold, in milliseconds. */
const LATEST = 8.64e15;
/** Bytes of a sort key, DynamoDB's limit. */
const LONGEST_SORT_KEY = 1024;
/** Bytes of both keys: the embedded store takes 1900, and puts some of its own before them. */
const LONGEST_KEYS = 1800;

/** Whose connection a message came on; from the certificate. A frozen one is looked into once for a whole batch. */
export type SyncIdentity = Readonly<{ accountId: string; deviceId: string }>;

/** One change of a device's database, as far as the cloud believes it. */
export interface IncomingChange {
  model: Model;
  /** As the device names the item: goes back in the acknowledgement. */
  remove: boolean;
  /** `updated` of the version that the device had seen of the cloud's, '' for none, where the device tells. */
  base?: string;
  /** With keys, account and device from the certificate, and fields of the schema only. */
  item: StoredItem;
  /** Stands for the item's key. */
  id: string;
}

export const idOf = ({ pk, sk }: StoredKey): string => `${pk}\n${sk}`;

/** `isUnknown` for a change of a model that the schema does not have. */
export type ReadChange = { accepted: IncomingChange } | { refused: string; isUnknown?: boolean };

/**
 * What one change of a batch means. Keys are computed here, from the certificate's account and device: nothing that a
 * message says can put an item elsewhere (Ioto contract §7).
 */
export function readChange(
  change: unknown,
  { schema, identity }: { schema: Schema; identity: SyncIdentity },
): ReadChange {
  const { cmd, key, item, base } = (change ?? {}) as Record<string, unknown>;
  if (typeof item !== 'object' || item === null || Array.isArray(item)) return { refused: 'it has no item' };
  const fields = item as Record<string, unknown>;
  const sk = typeof fields.sk === 'string' ? fields.sk : typeof key === 'string' ? key : undefined;
  const model = modelOf(schema, fields, sk);
  if (typeof fields.accountId === 'string' && fields.accountId !== identity.accountId) {
    return { refused: 'it carries another account' };
  }
  if (!model) return { refused: 'its model is unknown', isUnknown: true };
  if (!model.syncsUp) return { refused: 'its model does not sync up' };
  try {
    const own = withToldFields(model, fields, sk);
    const accepted = accept(model, own, { identity, remove: cmd === 'remove' });
    const made = cmd === 'create' ? 0 : base;
    if (made === 0) accepted.base = '';
    else if (isTime(made)) accepted.base = new Date(made).toISOString();
    return { accepted };
  } catch (error) {
    return { refused: String(error instanceof Error ? error.message : error) };
  }
}

/** The key of a change as the device wrote it, for its acknowledgement. */
export function nameOfChange(change: unknown): string | undefined {
  const { key, item } = (change ?? {}) as { key?: unknown; item?: { sk?: unknown } };
  if (typeof key === 'string') return key;
  return typeof item?.sk === 'string' ? item.sk : undefined;
}

function modelOf(schema: Schema, fields: Record<string, unknown>, sk: string | undefined): Model | undefined {
  const type = fields[schema.typeField];
  if (typeof type === 'string') return schema.models.get(type);
  if (sk === undefined) return undefined;
  return [...schema.models.values()].find((model) => model.syncsUp && model.parseSortKey(sk));
}

function accept(
  model: Model,
  fields: Readonly<Record<string, unknown>>,
  facts: { identity: SyncIdentity; remove: boolean },
): IncomingChange {
  const { identity, remove } = facts;
  const known = knownFields(model, fields);
  known.accountId = identity.accountId;
  if (readerOf(model).namesDevice) known.deviceId = identity.deviceId;
  // A device has one Device item, its own, whatever ID it writes.
  if (model.name === 'Device') known.id = identity.deviceId;
  if (model.name === 'Store' && known.type === 'number' && isBareZero(known.value)) known.value = '0';
  const { pk, sk } = keyFor(model, known, identity);
  known._type = model.name;
  known.pk = pk;
  known.sk = sk;
  return { model, remove, item: known as StoredItem, id: idOf({ pk, sk }) };
}

/**
 * The key of an item of this device. What the schema's own check counts in letters, every store counts in bytes.
 *
 * @throws RangeError, or what the schema has against it.
 */
export function keyFor(model: Model, properties: Record<string, unknown>, identity: SyncIdentity): ItemKey {
  const key = tenantKey(model, model.keyOf(properties, identity), identity);
  if (isTooLong(key)) throw new RangeError('its key is too long');
  // Half a pair of UTF-16 has no bytes of its own: different keys would become one in the store.
  if (isBroken(key.pk) || isBroken(key.sk)) throw new RangeError('its key is not Unicode text');
  return key;
}

/** Whether something may be stored under the key at all. */
export function isStorable(key: ItemKey): boolean {
  const { sk } = key;
  return sk !== '' && !sk.includes('\0') && !isTooLong(key) && !isBroken(sk);
}

/** No letter takes more than three bytes in UTF-8 for each of its units in UTF-16. */
function isTooLong({ pk, sk }: ItemKey): boolean {
  if (sk.length * 3 <= LONGEST_SORT_KEY && (sk.length + pk.length) * 3 <= LONGEST_KEYS) return false;
  const bytes = Buffer.byteLength(sk);
  return bytes > LONGEST_SORT_KEY || bytes + Buffer.byteLength(pk) > LONGEST_KEYS;
}

/** Milliseconds that a date can hold. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= LATEST;
}

function isBroken(text: string): boolean {
  return /[\ud800-\udfff]/.test(text) && /\p{Cs}/u.test(text);
}

/** Agents in the field print the number zero so (Ioto contract §10). */
function isBareZero(value: unknown): boolean {
  return typeof value === 'string' && /^-?e[+-]?0+$/.test(value);
}

/**
 * An item as a device gets it: the times of fields for those only that have agreed on `merge`, no `pk`, and no device or account ID on what goes to all of them.
 */
export function wireItem(item: StoredItem, { times = false }: { times?: boolean } = {}): string {
  const { pk: _pk, delivered: _delivered, _sync, ...fields } = item;
  if (!times && FIELD_TIMES in fields) delete fields[FIELD_TIMES];
  if (fields.deviceId === EVERY_DEVICE) delete fields.deviceId;
  if (fields.accountId === EVERY_ACCOUNT) delete fields.accountId;
  return JSON.stringify(fields);
}

/** Stands for the device ID in the keys of items that go to every device of an account. */
export const EVERY_DEVICE = 'all';

/** The same for the account ID, of what the operator sends to the devices of all accounts. */
export const EVERY_ACCOUNT = 'all';
