import { Session } from '../session/session.ts';
import type { Broker } from './broker.ts';

export interface SessionRequest<P> {
  clientId: string;
  cleanSession: boolean;
  principal: P;
}

/** The session of a client that connects: resumed, or a new one (3.1.1, 3.1.2.4). */
export function openSession<P>(
  broker: Broker<P>,
  { clientId, cleanSession, principal }: SessionRequest<P>,
): { session: Session; sessionPresent: boolean } {
  const owner = broker.hooks.sessionOwner?.(principal);
  const before = broker.sessions.find(clientId);
  if (before && !cleanSession && before.owner === owner) {
    dropForbidden(broker, before, principal);
    before.cancelExpiry?.();
    before.cancelExpiry = undefined;
    return { session: before, sessionPresent: true };
  }
  // [MQTT-3.1.2-6]: a clean session begins with nothing.
  if (before) endSession(broker, before);
  const session = new Session({ clientId, persistent: !cleanSession, owner }, broker.limits);
  broker.sessions.keep(session);
  broker.counters.sessions = broker.sessions.size;
  return { session, sessionPresent: false };
}

/** Subscriptions that the policy does not allow any more go, and with them the messages that they had let in. */
function dropForbidden<P>(broker: Broker<P>, session: Session, principal: P): void {
  const before = session.subscriptions.size;
  for (const filter of [...session.subscriptions.keys()]) {
    if (!broker.hooks.maySubscribe(principal, filter)) unsubscribe(broker, session, filter);
  }
  if (session.subscriptions.size === before) return;
  const allowed = (topic: string) => session.subscribedQos(topic) !== undefined;
  broker.counters.messagesDropped += session.queue.retainOnly(
    ({ message }) => allowed(message.topic),
    'dropped',
  );
}

export function subscribe<P>(broker: Broker<P>, session: Session, filter: string, qos: 0 | 1): void {
  session.subscriptions.set(filter, qos);
  broker.subscriptions.add(filter, session, qos);
}

export function unsubscribe<P>(broker: Broker<P>, session: Session, filter: string): void {
  if (session.subscriptions.delete(filter)) broker.subscriptions.remove(filter, session);
}

/** The client has gone: its session waits for it, or ends. */
export function leaveSession<P>(broker: Broker<P>, session: Session): void {
  session.detach();
  if (!session.persistent) endSession(broker, session);
  else if (Number.isFinite(broker.limits.sessionExpiry)) {
    session.cancelExpiry = broker.clock.after(
      broker.limits.sessionExpiry,
      () => endSession(broker, session),
      {
        unref: true,
      },
    );
  }
}

/** Ends a session, its subscriptions and its messages. */
export function endSession<P>(broker: Broker<P>, session: Session): void {
  for (const filter of session.subscriptions.keys()) broker.subscriptions.remove(filter, session);
  session.subscriptions.clear();
  broker.counters.messagesDropped += session.end();
  if (broker.sessions.find(session.clientId) === session) broker.sessions.remove(session.clientId);
  broker.counters.sessions = broker.sessions.size;
}
