import { isExpired } from '../session/message.ts';
import type { StoredSession, StoredState } from '../session/session-store.ts';
import type { Broker } from './broker.ts';
import { expireAfter, groupOf, makeSession } from './session-life.ts';

/** Takes up the sessions and retained messages of an earlier process, without writing them down again. */
export function restoreState<P>(broker: Broker<P>, { sessions, retained }: StoredState): void {
  const now = broker.clock.now();
  for (const message of retained) if (!isExpired(message, now)) broker.retained.keep(message);
  broker.counters.retainedMessages = broker.retained.size;
  for (const session of sessions) restoreSession(broker, session, now);
}

function restoreSession<P>(broker: Broker<P>, stored: StoredSession, now: number): void {
  const { clientId, owner, expiry, expiresAt } = stored;
  const session = makeSession(broker, { clientId, owner, expiry, group: groupOf(broker, owner) });
  if (owner !== undefined) session.receives = broker.hooks.receivesWhileAway?.(owner, clientId);
  for (const subscription of stored.subscriptions) {
    session.subscriptions.set(subscription.filter, subscription);
    broker.subscriptions.add(session, subscription);
  }
  for (const packetId of stored.unreleased) session.unreleased.set(packetId, undefined);
  session.queue.restore(stored.deliveries);
  // One whose client was connected when the process ended counts as left now.
  const left = expiresAt === undefined ? expiry : expiresAt - now;
  if (Number.isFinite(left)) expireAfter(broker, session, Math.max(0, left));
}
