import type { Client } from './client.ts';
import { settleHook } from './settle-hook.ts';

/** Tells the embedder which filters one packet has added or removed, if any. */
export function tellFilters<P>(
  { connection, principal, clientId, connectionId }: Client<P>,
  what: 'subscribed' | 'unsubscribed',
  filters: string[],
): void {
  const { hooks, logger } = connection.broker;
  if (filters.length === 0) return;
  settleHook(
    () => hooks[what]?.(principal, { clientId, connectionId, filters }),
    (error) => logger.error({ err: error, clientId }, `hooks.${what} failed`),
  );
}
