import type { Database } from '@ioto/database';
import type { Outgoing } from './batch.ts';

/**
 * Gives an item the time that the cloud has given to it, because its own lay too far ahead. One that changed again since
 * it was sent is left as it is: its later change is on its way.
 *
 * @throws DATABASE_WRITE_FAILED and the like: the change then waits again.
 */
export async function redate(
  database: Database,
  { model: name, cmd, item, version }: Outgoing,
  updated: string,
): Promise<void> {
  const model = database.schema.model(name);
  const named = typeof item.sk === 'string' ? model.parseSortKey(item.sk) : {};
  const key = model.keyOf({ ...named, ...item }, database.context);
  if (version === undefined || database.outbox.entryOf(key)?.version !== version) return;
  const change = {
    cmd: cmd === 'remove' ? 'remove' : 'upsert',
    model: name,
    item: { ...item, updated },
  } as const;
  await database.apply(change, { exempt: true });
}
