import type { Database } from '@ioto/database';
import type { SyncAbility } from '@ioto/protocol';
import { type ChangeForm, toWire } from './batch.ts';

/** The form of changes to a cloud that has agreed on more than the contract. */
export function agreedForm(
  database: Pick<Database, 'schema' | 'context'>,
  can: ReadonlySet<SyncAbility>,
): ChangeForm {
  const lean = can.has('lean') ? leanForm(database) : toWhole;
  const timed: ChangeForm = can.has('merge')
    ? lean
    : (change) => lean({ ...change, item: toWire(change).item });
  if (!can.has('base')) return timed;
  return (change) => {
    const { base, cmd } = change;
    // What was not there before is made from nothing.
    if (base === undefined || cmd === 'create') return timed(change);
    return { ...timed(change), base: base === '' ? 0 : Date.parse(base) };
  };
}

const toWhole: ChangeForm = ({ cmd, key, item }) => ({ cmd, key, item });

/**
 * The form in which changes travel to a cloud that has agreed on `lean`: without account and device, which it takes from
 * the certificate, without the sort key where `key` says it, and without `created` of an item that it has.
 */
function leanForm({ schema, context }: Pick<Database, 'schema' | 'context'>): ChangeForm {
  return ({ cmd, key, model, item, isKnown }) => {
    const lean: Record<string, unknown> = { ...item };
    // What is another's, by whatever accident, stays to be seen.
    if (lean.accountId === context.accountId) delete lean.accountId;
    if (lean.deviceId === context.deviceId) delete lean.deviceId;
    if (lean.sk === key) delete lean.sk;
    const created = schema.models.get(model)?.created;
    if (isKnown && cmd !== 'create' && created !== undefined) delete lean[created];
    return { cmd, key, item: lean };
  };
}
