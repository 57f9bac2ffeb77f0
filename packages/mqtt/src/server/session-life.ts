import { mqttError } from '../errors.ts';
import { Session, type SessionFacts } from '../session/session.ts';
import type { Subscription } from '../session/subscription.ts';
import { type Broker, countViolation } from './broker.ts';
import type { MqttLimits } from './limits.ts';
import { orphansOf, passOn } from './shared-orphans.ts';
import { settleWill } from './will.ts';

/** For ever (5.0, 3.1.2.11.2). */
const NEVER = 0xffff_ffff;

export interface SessionRequest<P> {
  clientId: string;
  cleanSession: boolean;
  /** Milliseconds. */
  expiry: number;
  principal: P;
}

/** Milliseconds of a session expiry in seconds, within the server's limit. */
export function expiryOf(seconds: number, { sessionExpiry }: MqttLimits): number {
  return Math.min(seconds === NEVER ? Number.POSITIVE_INFINITY : seconds * 1000, sessionExpiry);
}

/**
 * The session of a client that connects: resumed, or a new one (3.1.1, 3.1.2.4; 5.0, 3.1.2.4). Throws
 * `MQTT_LIMIT_EXCEEDED` when there are too many.
 */
export function openSession<P>(
  broker: Broker<P>,
  { clientId, cleanSession, expiry, principal }: SessionRequest<P>,
): { session: Session; sessionPresent: boolean } {
  const owner = broker.hooks.sessionOwner?.(principal);
  const before = broker.sessions.get(clientId);
  if (before && !cleanSession && before.owner === owner) {
    dropForbidden(broker, before, principal);
    before.cancelExpiry?.();
    before.cancelExpiry = undefined;
    before.expiry = expiry;
    recordSession(broker, before);
    settleWill(before, false);
    return { session: before, sessionPresent: true };
  }
  // [MQTT-3.1.2-6]: a clean session begins with nothing.
  if (before) endSession(broker, before);
  const group = groupOf(broker, owner);
  checkRoom(broker, 'maxSessions', 'the server', broker.sessions.size);
  if (group !== undefined)
    checkRoom(broker, 'maxSessionsOfOwner', 'the owner of the client', broker.groups.sizeOf(group));
  const session = makeSession(broker, { clientId, expiry, owner, group });
  recordSession(broker, session);
  return { session, sessionPresent: false };
}

/** With whose sessions one of `owner` counts. */
export function groupOf<P>({ hooks }: Broker<P>, owner: string | undefined): string | undefined {
  return owner === undefined ? undefined : hooks.sessionGroup?.(owner);
}

function checkRoom<P>(
  { limits }: Broker<P>,
  limit: 'maxSessions' | 'maxSessionsOfOwner',
  holder: string,
  sessions: number,
): void {
  if (sessions < limits[limit]) return;
  const message = `${holder} holds ${sessions} sessions; ${limit} is ${limits[limit]}`;
  throw mqttError('MQTT_LIMIT_EXCEEDED', message, { details: { limit } });
}

/** A new session among the others. Those that end with their connection are not written down. */
export function makeSession<P>(broker: Broker<P>, facts: SessionFacts): Session {
  const queueOwner = facts.owner === undefined ? undefined : broker.hooks.queueOwner?.(facts.owner);
  const session = new Session(facts, broker.limits, {
    now: () => broker.clock.now(),
    onLost: (limit) => {
      broker.counters.messagesDropped += 1;
      if (limit) countViolation(broker, limit, facts);
    },
    held: broker.held.join(queueOwner),
    observer: facts.expiry > 0 ? broker.journal?.observerOf(facts.clientId) : undefined,
  });
  broker.sessions.set(facts.clientId, session);
  broker.groups.join(session.group);
  broker.counters.sessions = broker.sessions.size;
  return session;
}

function recordSession<P>(broker: Broker<P>, session: Session, expiresAt?: number): void {
  const { clientId, owner, expiry, journalled } = session;
  if (journalled) broker.journal?.record({ type: 'session', clientId, owner, expiry, expiresAt });
}

/** Subscriptions that the policy does not allow any more go, and with them the messages that they had let in. */
function dropForbidden<P>(broker: Broker<P>, session: Session, principal: P): void {
  const before = session.subscriptions.size;
  for (const { filter, topicFilter, share } of [...session.subscriptions.values()]) {
    if (!broker.hooks.maySubscribe(principal, topicFilter, share)) unsubscribe(broker, session, filter);
  }
  if (session.subscriptions.size === before) return;
  const allowed = (topic: string) => session.grantFor(topic) !== undefined;
  broker.counters.messagesDropped += session.queue.retainOnly(
    ({ message }) => allowed(message.topic),
    'dropped',
  );
}

export function subscribe<P>(broker: Broker<P>, session: Session, subscription: Subscription): void {
  session.subscriptions.set(subscription.filter, subscription);
  broker.subscriptions.add(session, subscription);
  const { clientId, journalled } = session;
  if (journalled) broker.journal?.record({ type: 'subscribed', clientId, subscription });
}

/** False when there was no such subscription. */
export function unsubscribe<P>(broker: Broker<P>, session: Session, filter: string): boolean {
  const subscription = session.subscriptions.get(filter);
  if (!subscription) return false;
  session.subscriptions.delete(filter);
  broker.subscriptions.remove(session, subscription);
  const { clientId, journalled } = session;
  if (journalled) broker.journal?.record({ type: 'unsubscribed', clientId, filter });
  return true;
}

/** The client has gone: its session waits for it, or ends. */
export function leaveSession<P>(broker: Broker<P>, session: Session): void {
  session.detach();
  if (!session.persistent) {
    endSession(broker, session);
    return;
  }
  // Also one that lasts for ever: DISCONNECT may have made it so.
  const ends = Number.isFinite(session.expiry);
  recordSession(broker, session, ends ? broker.clock.now() + session.expiry : undefined);
  if (ends) expireAfter(broker, session, session.expiry);
}

/** Ends a session in so many milliseconds, unless its client comes. */
export function expireAfter<P>(broker: Broker<P>, session: Session, ms: number): void {
  session.cancelExpiry = broker.clock.after(ms, () => endSession(broker, session), { unref: true });
}

/**
 * Ends a session, its subscriptions and its messages; a will that waited is published [MQTT5-3.1.2-8]. `forGood`: so do
 * all others.
 */
export function endSession<P>(broker: Broker<P>, session: Session, forGood = false): void {
  const orphans = forGood ? [] : orphansOf(session);
  for (const subscription of session.subscriptions.values())
    broker.subscriptions.remove(session, subscription);
  session.subscriptions.clear();
  broker.counters.messagesDropped += session.end();
  if (broker.sessions.get(session.clientId) === session) {
    broker.sessions.delete(session.clientId);
    broker.held.leave(session.held);
    broker.groups.leave(session.group);
  }
  broker.counters.sessions = broker.sessions.size;
  if (session.journalled) broker.journal?.record({ type: 'sessionEnded', clientId: session.clientId });
  broker.counters.messagesDropped -= passOn(broker, orphans);
  settleWill(session, true);
}
