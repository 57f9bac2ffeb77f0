import { PlannedChange } from '../feed/planned-change.ts';
import { movedAttributes } from '../items/attributes.ts';
import { type ItemRecord, recordOf } from '../items/record.ts';
import type { Operation } from '../journal/operation.ts';
import type { Context, Properties } from '../schema/definition.ts';
import type { Model } from '../schema/model.ts';
import { type Desk, type Plan, planRemoval } from './plan.ts';

/** Told as the origin of changes that a change of context makes. */
const ORIGIN = 'context';

/** The parts of the context that keys are made of; empty until they are known. */
const BLANK: Context = { accountId: '', deviceId: '' };

/** The context that keys are made with: a part that is not known yet is empty, so that items have a key before it is. */
export function keyContext(context: Context): Context {
  return Object.freeze({ ...BLANK, ...context });
}

/** The known parts of a context over those of another; what is empty or undefined says nothing. */
export function mergeContext(context: Context, changes: Context): Context {
  const known = Object.entries(changes).filter(([, value]) => value);
  return { ...context, ...Object.fromEntries(known) };
}

export function sameContext(one: Context, other: Context): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names].every((name) => (one[name] ?? '') === (other[name] ?? ''));
}

/**
 * Puts every item under the keys of another context, in one step. When the account was another one before, the items
 * of the synced models are its and are removed, without a word to the cloud.
 */
export function planContext(desk: Desk, next: Context): Plan {
  const before = desk.state.context.accountId;
  const newOwner = Boolean(before) && before !== next.accountId;
  const plans = desk.state.items.all().map((record) => {
    const model = desk.schema.models.get(record.model);
    if (!model) return { operations: [], changes: [] };
    if (newOwner && model.sync !== 'none') return planRemoval(desk, model, record, { origin: ORIGIN });
    return planMove(desk, model, record, next);
  });
  const removals = moveRemovals(desk, next, newOwner || !before);
  return {
    operations: [
      ...plans.flatMap((plan) => plan.operations),
      ...removals,
      ...forgetting(desk),
      ...(newOwner ? recounting(desk) : []),
      { op: 'context', context: next },
    ],
    changes: plans.flatMap((plan) => plan.changes),
  };
}

/** Removes every item of the synced models, and whatever waits to be synced, without a word to the cloud. */
export function planClearSynced(desk: Desk): Plan {
  const plans = desk.state.items.all().flatMap((record) => {
    const model = desk.schema.models.get(record.model);
    return model && model.sync !== 'none' ? [planRemoval(desk, model, record, { origin: ORIGIN })] : [];
  });
  const versions = [...desk.state.outbox.entries()].map((entry) => entry.version);
  const operations = [...plans.flatMap((plan) => plan.operations), ...forgetting(desk), ...recounting(desk)];
  return {
    operations: versions.length > 0 ? [{ op: 'acknowledge', versions }, ...operations] : operations,
    changes: plans.flatMap((plan) => plan.changes),
  };
}

/** Removals are remembered by key, and these are others from now on, or somebody else's. */
function forgetting({ state }: Desk): Operation[] {
  return state.tombstones.size > 0 ? [{ op: 'forget' }] : [];
}

/** What was lost was the former owner's. */
function recounting({ state }: Desk): Operation[] {
  return Object.keys(state.lost).length > 0 ? [{ op: 'lost', counts: {} }] : [];
}

/** Removes what has expired. The cloud has the same times and removes its own: it is not told. */
export function planExpiry(desk: Desk, records: readonly ItemRecord[]): Plan {
  return planDeparture(desk, records, 'expiry');
}

/** Removes items that the cloud has, and that the device keeps no longer. */
export function planLeave(desk: Desk, records: readonly ItemRecord[]): Plan {
  return planDeparture(desk, records, 'keep');
}

/** A change that still waits is lost with its item. */
function planDeparture(desk: Desk, records: readonly ItemRecord[], origin: string): Plan {
  const plans = records.map((record) =>
    planRemoval(desk, desk.schema.models.get(record.model), record, { origin }),
  );
  const losses = records.flatMap((record): Operation[] => {
    const waiting = desk.state.outbox.get(record);
    if (!waiting) return [];
    return [{ op: 'lose', model: waiting.model, versions: [waiting.version], reason: 'expired' }];
  });
  return {
    operations: [...losses, ...plans.flatMap((plan) => plan.operations)],
    changes: plans.flatMap((plan) => plan.changes),
  };
}

function planMove(desk: Desk, model: Model, record: ItemRecord, next: Context): Plan {
  const attributes = movedAttributes(model, record.attributes, next);
  const key = model.keyOf(attributes, keyContext(next));
  const moved = key.pk !== record.pk || key.sk !== record.sk;
  if (!moved && sameAttributes(attributes, record.attributes)) return { operations: [], changes: [] };
  const seq = desk.state.nextSeq();
  const to = recordOf(key, model.name, attributes);
  const outbox = desk.state.outbox.get(record)?.cmd;
  const put: Operation = { op: 'put', seq, record: to, outbox };
  const leave: Operation = { op: 'remove', seq, key: { pk: record.pk, sk: record.sk } };
  return {
    operations: moved ? [leave, put] : [put],
    changes: [new PlannedChange(model, to, { seq, cmd: 'update', previous: record, origin: ORIGIN })],
  };
}

/** Removals that wait are of items that are in the table no more. One that no account ever heard of is forgotten. */
function moveRemovals(desk: Desk, next: Context, forget: boolean): Operation[] {
  return [...desk.state.outbox.entries()].flatMap((entry): Operation[] => {
    if (!entry.removal) return [];
    const drop: Operation = { op: 'acknowledge', versions: [entry.version] };
    const model = desk.schema.models.get(entry.model);
    if (forget || !model) return [drop];
    const removal = movedAttributes(model, entry.removal, next);
    const key = model.keyOf(removal, keyContext(next));
    const { cmd } = entry;
    return [drop, { op: 'queue', seq: desk.state.nextSeq(), key, model: model.name, cmd, removal }];
  });
}

function sameAttributes(one: Properties, other: Properties): boolean {
  return (
    Object.keys(one).length === Object.keys(other).length &&
    Object.entries(one).every(([name, value]) => other[name] === value)
  );
}
