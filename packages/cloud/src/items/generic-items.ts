import { coerce, fillComputed, type Model, noteFieldTimes, type Schema } from '@ioto/database';
import { FIELD_TIMES, nextTime } from '@ioto/protocol';
import { type Clock, errorCatalogue, messageOf } from '@ioto/runtime';
import type { DeviceRecords } from '../devices/device-records.ts';
import {
  type Condition,
  type ItemStore,
  type StoredItem,
  type Write,
  writeIfHolds,
} from '../ports/item-store.ts';
import { expiryWrites } from '../sync/expiry/expiry-index.ts';
import type { Arrivals } from '../sync/items/arrivals.ts';
import { forgetOldMarks, gonePartition, markOf } from '../sync/items/gone-marks.ts';
import { replacedVersions, syncFactsOf, withSyncFacts } from '../sync/items/sync-facts.ts';
import { needsDevice, tenantKey, tenantRange } from '../sync/items/tenant-key.ts';
import { EVERY_DEVICE } from '../sync/items/wire-item.ts';

export const itemError = errorCatalogue({
  MODEL_UNKNOWN: { status: 400 },
  MODEL_NOT_GENERIC: { status: 400 },
  ITEM_INVALID: { status: 400 },
  ITEM_EXISTS: { status: 409 },
  ITEM_CONTENDED: { status: 503, retryable: true },
  ITEM_UNKNOWN: { status: 404 },
  ITEM_TOO_LARGE: { status: 413 },
  DEVICE_UNKNOWN: { status: 404 },
});

/** Bytes of an item; one MQTT message must hold it. */
const LARGEST = 64 * 1024;
/** Bytes that agents of the old dialect can read in one message (Ioto contract §10). */
const LARGEST_FOR_OLD_AGENTS = 4096;
const ATTEMPTS = 5;
/** Fields that the cloud itself fills in. */
const TIMES = new Set(['created', 'updated', FIELD_TIMES]);

type Fields = Readonly<Record<string, unknown>>;

export interface GenericItemsOptions {
  schema: Schema;
  store: ItemStore;
  records: DeviceRecords;
  arrivals: Arrivals;
  clock: Clock;
}

/** Items of an account by model, as the REST verbs `/generic/…` need them. Every key is made with the caller's own account. */
export class GenericItems {
  readonly #options: GenericItemsOptions;

  constructor(options: GenericItemsOptions) {
    this.#options = options;
  }

  /** @throws MODEL_UNKNOWN, MODEL_NOT_GENERIC, ITEM_INVALID (400), DEVICE_UNKNOWN (404), ITEM_EXISTS (409), ITEM_TOO_LARGE (413) */
  async create(type: string, fields: Fields, accountId: string): Promise<StoredItem> {
    const model = this.#writable(type);
    const { store, clock } = this.#options;
    const made = this.#newItem(model, fields, accountId);
    await this.#checkDevice(made, accountId);
    const markKey = { pk: gonePartition(made.pk), sk: made.sk };
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (await store.get(made.pk, made.sk)) throw itemError('ITEM_EXISTS', `this ${type} exists: update it`);
      // Newer than a removal by whatever clock, so that no copy of that takes the item away.
      const mark = await store.get(markKey.pk, markKey.sk);
      const time = new Date(nextTime(clock.now(), mark?.updated)).toISOString();
      const item = { ...made, created: time, updated: time };
      const unmarked: Write[] = mark ? [{ remove: markKey, if: { equals: { ...mark } } }] : [];
      const written = await this.#store(model, { item, before: mark, others: unmarked });
      if (written) return written;
    }
    throw contended(type);
  }

  /** @throws ITEM_UNKNOWN (404), ITEM_INVALID (400) */
  async get(type: string, fields: Fields, accountId: string): Promise<StoredItem> {
    const model = this.#model(type);
    const { pk, sk } = keyOf(model, fields, accountId);
    const item = await this.#options.store.get(pk, sk);
    if (!item || item.accountId !== accountId) throw itemError('ITEM_UNKNOWN', `there is no such ${type}`);
    return item;
  }

  /** Items whose fields equal the given ones; `next` of an answer continues it. */
  async find(
    type: string,
    fields: Fields,
    { accountId, limit = 100, next }: { accountId: string; limit?: number; next?: string },
  ): Promise<{ items: StoredItem[]; next?: string }> {
    const model = this.#model(type);
    const range = model.keyRange(fields, { accountId });
    const { pk, sk } = tenantRange(model, range, { accountId, deviceId: deviceOf(fields) });
    if (pk === undefined) {
      throw itemError(
        'ITEM_INVALID',
        `name the device: a ${type} is found by ${[...model.keyVariables, ...(needsDevice(model) ? ['deviceId'] : [])].join(', ')}`,
      );
    }
    const page = await this.#options.store.query(pk, { begins: sk, after: next, limit });
    const items = page.items.filter((item) => item.accountId === accountId && matches(item, fields));
    return { items, ...(page.next === undefined ? {} : { next: page.next }) };
  }

  /** Changes the given fields; null takes one away. The result is newer than what it replaces, whatever clock that had. */
  async update(type: string, fields: Fields, accountId: string): Promise<StoredItem> {
    const model = this.#writable(type);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const before = await this.get(type, fields, accountId);
      const item = changed(model, before, fields, this.#later(before));
      checkSize(item, LARGEST);
      const written = await this.#store(model, { item, before });
      if (written) return written;
    }
    throw contended(type);
  }

  async remove(type: string, fields: Fields, accountId: string): Promise<void> {
    const model = this.#writable(type);
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const before = await this.get(type, fields, accountId);
      if (await this.#mark(model, before)) return;
    }
    throw contended(type);
  }

  /** Writes an item in the place of what was there, an item or a mark; undefined when that has changed meanwhile. */
  async #store(
    model: Model,
    { item, before, others = [] }: { item: StoredItem; before?: StoredItem; others?: readonly Write[] },
  ): Promise<StoredItem | undefined> {
    const arrival = await this.#options.arrivals.next();
    try {
      const facts = { claims: syncFactsOf(before)?.claims, over: replacedVersions(before) };
      const put = withSyncFacts(item, { arrived: arrival.time, ...facts });
      const isThere = before?.pk === item.pk;
      const unchanged: Condition = isThere ? { equals: { ...before } } : { absent: true };
      const writes = [
        { put, if: unchanged },
        ...others,
        ...expiryWrites(model, { item: put, before: isThere ? before : undefined }),
      ];
      return (await writeIfHolds(this.#options.store, writes)) ? put : undefined;
    } finally {
      arrival.end();
    }
  }

  /** Leaves a mark in the place of an item; false when that has changed meanwhile. */
  async #mark(model: Model, before: StoredItem): Promise<boolean> {
    const { store, arrivals, clock } = this.#options;
    const arrival = await arrivals.next();
    try {
      const now = new Date(clock.now()).toISOString();
      const replaced = { claims: syncFactsOf(before)?.claims, over: replacedVersions(before) };
      const facts = { arrived: arrival.time, ...replaced };
      const mark = markOf(model, before, { updated: this.#later(before), now, facts });
      const { pk, sk } = before;
      const writes: Write[] = [{ remove: { pk, sk }, if: { equals: { ...before } } }, { put: mark }];
      if (!(await writeIfHolds(store, writes))) return false;
      await forgetOldMarks(store, writes, clock.now());
      return true;
    } finally {
      arrival.end();
    }
  }

  #later(before: StoredItem): string {
    return new Date(nextTime(this.#options.clock.now(), before.updated)).toISOString();
  }

  #model(type: string): Model {
    const model = this.#options.schema.models.get(type);
    if (!model) {
      const known = [...this.#options.schema.models.keys()].join(', ');
      throw itemError('MODEL_UNKNOWN', `there is no model of this name: _type is one of ${known}`);
    }
    if (!model.keyVariables.includes('accountId') && model.sync === 'none') {
      throw itemError('MODEL_NOT_GENERIC', `items of ${type} do not belong to accounts`);
    }
    return model;
  }

  #writable(type: string): Model {
    const model = this.#model(type);
    if (type === 'Device') {
      throw itemError('MODEL_NOT_GENERIC', 'devices come and go by /device/claim and /device/release');
    }
    return model;
  }

  /** Times are given when it is stored. */
  #newItem(model: Model, fields: Fields, accountId: string): StoredItem {
    const given: Record<string, unknown> = { ...fields, accountId };
    if (model.name === 'Broadcast') given.deviceId ??= EVERY_DEVICE;
    const item: Record<string, unknown> = { _type: model.name };
    for (const field of model.fields.values()) {
      if (model.keyFields.has(field.name) || TIMES.has(field.name) || field.template) continue;
      const own = Object.hasOwn(given, field.name) ? given[field.name] : undefined;
      const value = own ?? field.generate?.(this.#options.clock.now()) ?? field.default;
      if (value !== undefined && value !== null) item[field.name] = fieldValue(model, field.name, value);
      else if (field.required) throw itemError('ITEM_INVALID', `${model.name} needs ${field.name}`);
    }
    const owner = { accountId, ...(needsDevice(model) && { deviceId: deviceOf(fields) }) };
    const made: StoredItem = { ...item, ...owner, ...keyOf(model, { ...item, ...owner }, accountId) };
    fillComputed(model, made);
    checkSize(made, LARGEST);
    return made;
  }

  async #checkDevice(item: StoredItem, accountId: string): Promise<void> {
    const { deviceId } = item;
    if (deviceId === undefined) return;
    // Any of the account's devices may be an old agent.
    if (deviceId === EVERY_DEVICE) return checkSize(item, LARGEST_FOR_OLD_AGENTS);
    const ownership = await this.#options.records.held(accountId, String(deviceId));
    if (!ownership) throw itemError('DEVICE_UNKNOWN', `this account has no device ${String(deviceId)}`);
    if (ownership.dialect === 'old') checkSize(item, LARGEST_FOR_OLD_AGENTS);
  }
}

function contended(type: string) {
  return itemError('ITEM_CONTENDED', `this ${type} is being changed by others: try again`);
}

/** @throws ITEM_INVALID when the fields do not tell the key. */
function keyOf(model: Model, fields: Fields, accountId: string): { pk: string; sk: string } {
  const deviceId = deviceOf(fields);
  if (needsDevice(model) && deviceId === undefined) {
    throw itemError('ITEM_INVALID', `${model.name} needs deviceId: each device has its own`);
  }
  try {
    return tenantKey(model, model.keyOf(fields, { accountId }), { accountId, deviceId });
  } catch (error) {
    throw itemError('ITEM_INVALID', messageOf(error));
  }
}

function deviceOf({ deviceId }: Fields): string | undefined {
  return typeof deviceId === 'string' ? deviceId : undefined;
}

function fieldValue(model: Model, name: string, value: unknown): unknown {
  const field = model.fields.get(name);
  if (!field) throw itemError('ITEM_INVALID', `${model.name} has no field ${name}`);
  try {
    return coerce(field, value, `${model.name}.${name}`);
  } catch (error) {
    throw itemError('ITEM_INVALID', messageOf(error));
  }
}

function changed(model: Model, before: StoredItem, fields: Fields, updated: string): StoredItem {
  const after: StoredItem = { ...before };
  const fixed = new Set([
    ...model.keyVariables,
    ...model.keyFields,
    'accountId',
    'deviceId',
    'created',
    'updated',
    FIELD_TIMES,
  ]);
  for (const [name, value] of Object.entries(fields)) {
    if (fixed.has(name) || model.fields.get(name)?.template) continue;
    if (model.fields.get(name)?.readonly && value !== before[name]) {
      throw itemError('ITEM_INVALID', `${model.name}.${name} cannot be changed`);
    }
    if (value === null) {
      if (model.fields.get(name)?.required) throw itemError('ITEM_INVALID', `${model.name} needs ${name}`);
      delete after[name];
    } else after[name] = fieldValue(model, name, value);
  }
  fillComputed(model, after);
  after.updated = updated;
  if (model.merges) noteFieldTimes(model, before, after);
  return after;
}

function matches(item: StoredItem, fields: Fields): boolean {
  return Object.entries(fields).every(
    ([name, value]) => name === 'accountId' || value === undefined || item[name] === value,
  );
}

function checkSize(item: StoredItem, largest: number): void {
  const bytes = Buffer.byteLength(JSON.stringify(item));
  if (bytes <= largest) return;
  throw itemError('ITEM_TOO_LARGE', `the item takes ${bytes} bytes; the limit is ${largest} for this device`);
}
