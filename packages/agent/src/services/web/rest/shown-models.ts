import type { Database, Model } from '@ioto/database';
import { webError } from '../errors.ts';
import type { Route } from '../routing/route.ts';

/** Passwords, and what the agent itself goes by: shown to nobody, whatever the settings say. */
const NEVER = new Set(['User', 'SyncState', 'Command', 'CommandRun', 'MemoryNote', 'SyncGeneration']);

/** A model that a route shows, and what that needs. */
export interface ShownModel {
  model: Model;
  /** Role that reading its items needs; undefined: the route's own was enough. */
  read: string | undefined;
  /** As of changing them; false where nobody may. */
  write: string | undefined | false;
}

/**
 * A model by its name: one that the route lists, else one whose `process` says `web`.
 *
 * @throws WEB_NOT_FOUND for any other, be it in the schema or not
 */
export function shownModel(
  { schema }: Database,
  { models }: Pick<Route, 'models'>,
  name: string,
): ShownModel {
  const model = NEVER.has(name) ? undefined : schema.models.get(name);
  if (model && models?.includes(name)) return { model, read: undefined, write: undefined };
  if (!model?.web || models)
    throw webError('WEB_NOT_FOUND', `There is no model ${JSON.stringify(name)} here`);
  const { read, write } = model.web;
  return { model, read: needed(read), write: write === undefined ? false : needed(write) };
}

function needed(role: string): string | undefined {
  return role === 'public' ? undefined : role;
}
