import type { Database } from '@ioto/database';
import type { Owner } from '../mqtt/service.ts';
import { isNoRoom } from './no-room.ts';

/**
 * Makes the database that of `owner`. On a new account the synced models are cleared first, so that the next owner gets
 * nothing of the last. Every step can be repeated after a power cut: the context is written last of what must come
 * before it, and what must follow it is done whenever no sync has been completed.
 */
export async function adoptOwner(
  database: Database,
  { id, accountId }: Owner,
  device: Readonly<Record<string, unknown>>,
): Promise<void> {
  const former = database.context.accountId;
  if (former !== accountId || database.context.deviceId !== id) {
    if (former && former !== accountId) await database.clearSynced();
    await database.remove('SyncState', {});
    await database.setContext({ accountId, deviceId: id });
  }
  await describeDevice(database, id, device);
  const synced = database.get('SyncState', {})?.lastSync !== undefined;
  // First provisioning: everything that the device has goes up.
  if (!synced) await database.outbox.enqueueAll();
}

/** What the owner may have edited; said once, and then theirs. */
const OWNERS = new Set(['name', 'description']);

/** Keeps the Device item true to the device's own description, without taking back what the owner edited. */
async function describeDevice(
  database: Database,
  id: string,
  device: Readonly<Record<string, unknown>>,
): Promise<void> {
  const fields = database.schema.models.get('Device')?.fields;
  if (!fields) return;
  const known = Object.entries(device).filter(([name, value]) => fields.has(name) && value !== undefined);
  const held = database.get('Device', { id });
  const news = held ? known.filter(([name, value]) => !OWNERS.has(name) && held[name] !== value) : known;
  if (held && news.length === 0) return;
  try {
    await database.upsert('Device', { ...Object.fromEntries(news), id }, { exempt: true });
  } catch (error) {
    // A full queue must not keep the device from the connection that empties it: the next one says it.
    if (!isNoRoom(error)) throw error;
  }
}
