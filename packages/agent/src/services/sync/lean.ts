import type { Database } from '@ioto/database';
import type { ChangeForm } from './batch.ts';

/**
 * The form in which changes travel to a cloud that has agreed on `lean`: without account and device, which it takes from
 * the certificate, without the sort key where `key` says it, and without `created` of an item that it has.
 */
export function leanForm({ schema, context }: Pick<Database, 'schema' | 'context'>): ChangeForm {
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
