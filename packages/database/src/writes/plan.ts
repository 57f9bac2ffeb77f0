import type { ChangeCommand } from '@ioto/protocol';
import { fail } from '../errors.ts';
import { coalesce } from '../feed/outbox-table.ts';
import { PlannedChange } from '../feed/planned-change.ts';
import {
  type Circumstances,
  changedAttributes,
  newAttributes,
  receivedAttributes,
  removalAttributes,
  restamped,
} from '../items/attributes.ts';
import { hasExpired } from '../items/expiry.ts';
import { withPath } from '../items/fields.ts';
import type { ItemTable } from '../items/item-table.ts';
import { type ItemRecord, recordOf } from '../items/record.ts';
import { timeOf } from '../items/version.ts';
import type { Operation } from '../journal/operation.ts';
import type { AppliedChange, ApplyOptions, CreateOptions, UpdateOptions, WriteOptions } from '../options.ts';
import type { Context, Durability, ItemKey, Properties } from '../schema/definition.ts';
import type { Model } from '../schema/model.ts';
import type { State } from '../state.ts';

/** What a write comes to, decided before anything is done. */
export interface Plan {
  readonly operations: readonly Operation[];
  readonly changes: readonly PlannedChange[];
  /** At least so durable, whatever the model asks whose write it is. */
  readonly durability?: Durability;
}

/** Where plans are made. They read the state and take numbers from it, and change nothing else. */
export interface Desk extends Circumstances {
  readonly state: State;
}

/** Makes the plan of one kind of write, of what is to be written. */
export type Planner<T, O> = (desk: Desk, model: Model, what: T, options: O) => Plan;

const NOTHING: Plan = { operations: [], changes: [] };

/** @throws ITEM_EXISTS unless `replace` is set; whatever the model's rules refuse. */
export function planCreate(desk: Desk, model: Model, properties: Properties, options: CreateOptions): Plan {
  const attributes = newAttributes(model, properties, desk);
  const key = model.keyOf(attributes, desk.context);
  const held = desk.state.items.get(key);
  const previous = living(desk, model, held);
  if (previous && !(options.replace && previous.model === model.name)) {
    throw fail('ITEM_EXISTS', `there is already a ${previous.model} ${JSON.stringify(key.sk)}`, {
      details: { model: previous.model, ...key },
    });
  }
  const { origin } = options;
  return planPut(desk, model, {
    cmd: 'create',
    key,
    attributes: newer(desk, model, key, attributes, held),
    previous,
    origin,
  });
}

/** @throws ITEM_MISSING unless `upsert` is set. */
export function planUpdate(desk: Desk, model: Model, properties: Properties, options: UpdateOptions): Plan {
  const previous = findLiving(desk, model, properties);
  if (!previous) {
    if (options.upsert) return planCreate(desk, model, withoutNulls(properties), options);
    throw missing(model, properties);
  }
  return planChange(desk, model, previous, properties, 'update', options);
}

/** @throws ITEM_MISSING unless `upsert` is set. */
export function planSetField(
  desk: Desk,
  model: Model,
  { properties, path, value }: { properties: Properties; path: string; value: unknown },
  options: UpdateOptions,
): Plan {
  const record = findLiving(desk, model, properties);
  if (!record && !options.upsert) throw missing(model, properties);
  const changed = withPath(model, record?.attributes ?? {}, path, value);
  return planUpdate(desk, model, { ...properties, ...changed }, options);
}

export function planUpsert(desk: Desk, model: Model, properties: Properties, options: WriteOptions): Plan {
  const isKnown = model.readyKey(properties) ?? model.keyRange(properties, desk.context).complete;
  const previous = isKnown ? findLiving(desk, model, properties) : undefined;
  if (previous) return planChange(desk, model, previous, properties, 'upsert', options);
  const attributes = newAttributes(model, withoutNulls(properties), desk);
  const key = model.keyOf(attributes, desk.context);
  const held = desk.state.items.get(key);
  return planPut(desk, model, {
    cmd: 'upsert',
    key,
    attributes: newer(desk, model, key, attributes, held),
    origin: options.origin,
  });
}

/** An empty plan when there is no such item. */
export function planRemove(desk: Desk, model: Model, properties: Properties, { origin }: WriteOptions): Plan {
  const previous = findRecord(desk.state.items, model, properties, desk.context);
  if (!previous) return NOTHING;
  if (model.sync === 'none') return planRemoval(desk, model, previous, { origin });
  const removal = removalAttributes(model, previous.attributes, desk);
  const goesUp = model.syncsUp && !isUnheardOf(desk, model, previous);
  const facts = { removal: goesUp ? removal : undefined, updated: timeOf(removal.updated), origin };
  return planRemoval(desk, model, previous, facts);
}

/**
 * The cloud never heard of the item, and need not hear that it is gone. Where others write the model too, they may have made
 * one with the same key.
 */
function isUnheardOf({ state }: Desk, model: Model, key: ItemKey): boolean {
  const waiting = model.sync === 'up' ? state.outbox.get(key) : undefined;
  return waiting?.cmd === 'create' && !waiting.sent;
}

/** A change from elsewhere: it replaces the whole item, and whatever waited to go up for it waits no longer. */
export function planApply(
  desk: Desk,
  model: Model,
  { cmd, item }: AppliedChange,
  { origin = 'cloud', waits = false }: ApplyOptions,
): Plan {
  const properties = withKeyProperties(model, item);
  const key = model.keyOf(properties, desk.context);
  const previous = desk.state.items.get(key);
  if (cmd === 'remove') {
    const updated = timeOf(item.updated) ?? desk.isoNow;
    return planReceivedRemoval(desk, model, { key, previous, updated, origin });
  }
  const attributes = receivedAttributes(model, properties, desk, previous?.attributes);
  const seq = desk.state.nextSeq();
  const record = recordOf(key, model.name, attributes);
  record.isKnown = !waits;
  const outbox = waits && model.syncsUp ? coalesce(desk.state.outbox.get(key)?.cmd, cmd) : undefined;
  return {
    operations: [{ op: 'put', seq, record, outbox, base: outbox && timeOf(attributes.updated) }],
    changes: [new PlannedChange(model, record, { seq, cmd, previous, origin })],
  };
}

/** When the item of this key was removed, as far as that is remembered. */
export function removedAt({ state }: Pick<Desk, 'state'>, key: ItemKey): string | undefined {
  return state.tombstones.get(key)?.updated ?? timeOf(state.outbox.get(key)?.removal?.updated);
}

/** A new item is newer than what it replaces, be that a removal, whoever made it and by whatever clock. */
function newer(
  desk: Desk,
  model: Model,
  key: ItemKey,
  attributes: Properties,
  held: ItemRecord | undefined,
): Properties {
  if (held) return restamped(model, attributes, held.attributes, desk);
  const updated = removedAt(desk, key);
  return updated === undefined ? attributes : restamped(model, attributes, { updated }, desk);
}

function planChange(
  desk: Desk,
  model: Model,
  previous: ItemRecord,
  properties: Properties,
  cmd: ChangeCommand,
  { origin }: WriteOptions,
): Plan {
  const attributes = changedAttributes(model, previous.attributes, properties, desk);
  const key = { pk: previous.pk, sk: previous.sk };
  return planPut(desk, model, { cmd, key, attributes, previous, origin });
}

interface Put {
  readonly cmd: ChangeCommand;
  readonly key: ItemKey;
  readonly attributes: Properties;
  readonly previous?: ItemRecord;
  readonly origin?: string;
}

/** @throws UNIQUE_TAKEN */
function planPut(desk: Desk, model: Model, { cmd, key, attributes, previous, origin }: Put): Plan {
  if (model.unique.length > 0) requireUnique(desk, model, key, attributes);
  const seq = desk.state.nextSeq();
  const record = recordOf(key, model.name, attributes);
  const outbox = model.syncsUp ? coalesce(desk.state.outbox.get(key)?.cmd, cmd) : undefined;
  return {
    operations: [{ op: 'put', seq, record, outbox }],
    changes: [new PlannedChange(model, record, { seq, cmd, previous, origin })],
  };
}

function requireUnique(desk: Desk, model: Model, key: ItemKey, attributes: Properties): void {
  const field = desk.state.unique.taken(model, key, attributes);
  if (field === undefined) return;
  throw fail('UNIQUE_TAKEN', `another ${model.name} has this ${field}, of which no two may have the same`, {
    details: { model: model.name, field },
  });
}

interface RemovalFacts {
  /** What waits to go up for it. */
  readonly removal?: Properties;
  /** The time of a removal that is to be remembered. */
  readonly updated?: string;
  /** It came from the cloud. */
  readonly isKnown?: boolean;
  readonly origin?: string;
}

export function planRemoval(
  desk: Desk,
  model: Model | undefined,
  record: ItemRecord,
  { removal, updated, isKnown, origin }: RemovalFacts,
): Plan {
  const seq = desk.state.nextSeq();
  const key = { pk: record.pk, sk: record.sk };
  const left = removal && { model: record.model, attributes: removal };
  return {
    operations: [
      { op: 'remove', seq, key, removal: left },
      ...(updated === undefined ? [] : [remembered(desk, record.model, key, updated, isKnown)]),
    ],
    changes: [new PlannedChange(model, record, { seq, cmd: 'remove', previous: record, origin })],
  };
}

interface ReceivedRemoval {
  readonly key: ItemKey;
  readonly previous: ItemRecord | undefined;
  readonly updated: string;
  readonly origin: string;
}

/**
 * Without an item there may still be a removal of ours that waits; the other side knows of it now. It is remembered in any
 * case: an older version of the item may be on its way.
 */
function planReceivedRemoval(
  desk: Desk,
  model: Model,
  { key, previous, updated, origin }: ReceivedRemoval,
): Plan {
  if (model.sync === 'none') return previous ? planRemoval(desk, model, previous, { origin }) : NOTHING;
  if (previous) return planRemoval(desk, model, previous, { updated, isKnown: true, origin });
  const waits = desk.state.outbox.get(key) !== undefined;
  if (!waits && desk.state.tombstones.get(key)?.updated === updated) return NOTHING;
  const remember = remembered(desk, model.name, key, updated, true);
  if (!waits) return { operations: [remember], changes: [] };
  return { operations: [{ op: 'remove', seq: desk.state.nextSeq(), key }, remember], changes: [] };
}

function remembered(
  { now }: Desk,
  model: string,
  { pk, sk }: ItemKey,
  updated: string,
  isKnown = false,
): Operation {
  return { op: 'tombstone', tombstone: { pk, sk, model, updated, at: now, isKnown } };
}

/** The item with exactly this key, if it is of this model. Properties may bring the key ready, as `pk` and `sk`. */
export function findRecord(
  items: ItemTable,
  model: Model,
  properties: Properties,
  context: Context,
): ItemRecord | undefined {
  const record = items.get(model.readyKey(properties) ?? model.keyOf(properties, context));
  return record?.model === model.name ? record : undefined;
}

/** As `findRecord`, of what has not expired. */
function findLiving(desk: Desk, model: Model, properties: Properties): ItemRecord | undefined {
  return living(desk, model, findRecord(desk.state.items, model, properties, desk.context));
}

/** An item that has expired is gone, be it swept away yet or not. */
function living({ now }: Desk, model: Model, record: ItemRecord | undefined): ItemRecord | undefined {
  return record?.model === model.name && hasExpired(model, record, now) ? undefined : record;
}

/** Fields that OneTable keeps within another attribute instead of beside it. */
function encodedProperties(model: Model, item: Properties): Properties {
  const properties: Record<string, string> = {};
  for (const { name, encode } of model.given) {
    const text = encode && item[encode.attribute];
    const value =
      typeof text === 'string' ? text.split(encode?.separator ?? '')[encode?.index ?? 0] : undefined;
    if (value !== undefined) properties[name] = value;
  }
  return properties;
}

/** On the wire an item may be named by its sort key alone. */
function withKeyProperties(model: Model, item: Properties): Properties {
  if (typeof item.sk !== 'string') return item;
  return { ...model.parseSortKey(item.sk), ...encodedProperties(model, item), ...withoutNulls(item) };
}

function withoutNulls(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== null));
}

function missing(model: Model, properties: Properties) {
  return fail('ITEM_MISSING', `there is no such ${model.name}`, {
    details: { model: model.name, properties: Object.keys(properties) },
  });
}
