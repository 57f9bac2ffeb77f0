import type { Delivery, Message } from '../session/message.ts';
import type { Session } from '../session/session.ts';
import type { Grant, Subscription } from '../session/subscription.ts';
import type { RetainedLimits } from '../topics/retained-messages.ts';
import type { Matches, SharedGroup } from '../topics/subscription-tree.ts';
import { isBasicIngest, isReserved } from '../topics/topic-rules.ts';
import { type Broker, countViolation } from './broker.ts';

/** Queues a message to every session that subscribes to its topic (3.1.1, 3.3.4). Returns how many took it. */
export function route<P>(
  broker: Broker<P>,
  message: Message,
  matches: Matches<Session> = broker.subscriptions.match(message.topic),
): number {
  const { targets, groups } = matches;
  if (targets.length === 0 && groups.length === 0) return 0;
  if (isBasicIngest(message.topic)) return 0;
  let taken = 0;
  for (const target of targets) {
    const { subscriber } = target;
    const grant = subscriber.clientId === message.publisher ? target.own : target.grant;
    if (!grant) continue;
    if (!offer(broker, subscriber, message, grant, message.retain && grant.retainAsPublished)) taken += 1;
  }
  for (const group of groups) if (routeToOne(broker, message, group)) taken += 1;
  return taken;
}

/** To the next member that is here; while none is, to the next that keeps it for later (5.0, 4.8.2). */
export function routeToOne<P>(broker: Broker<P>, message: Message, group: SharedGroup<Session>): boolean {
  const taken = (session: Session, subscription: Subscription) => {
    const retained = message.retain && subscription.retainAsPublished;
    return !offer(broker, session, message, subscription, retained, { shared: subscription.filter });
  };
  const away: [Session, Subscription][] = [];
  for (const [session, subscription] of group.turn()) {
    if (!session.connected) away.push([session, subscription]);
    else if (taken(session, subscription)) return true;
  }
  return away.some(([session, subscription]) => taken(session, subscription));
}

/**
 * Queues a message to one session and counts what is lost; one that the client may not receive is not lost. Returns why it
 * was not taken, or undefined.
 */
export function offer<P>(
  broker: Broker<P>,
  session: Session,
  message: Message,
  grant: Grant,
  retained: boolean,
  more?: Pick<Delivery, 'settle' | 'shared'>,
): 'offline' | 'dropped' | undefined {
  if (message.except === session.clientId || session.receives?.(message.topic) === false) return 'dropped';
  const refusal = session.enqueue(message, grant, retained, more);
  if (refusal === undefined || refusal === 'offline') return refusal;
  countViolation(broker, refusal, session);
  broker.counters.messagesDropped += 1;
  return 'dropped';
}

/**
 * Retains a message that asks for it; AWS retains nothing on reserved topics (3.1.1, 3.3.1.3). Returns the limit that
 * forbids it.
 */
export function retain<P>(broker: Broker<P>, message: Message): keyof RetainedLimits | undefined {
  if (isReserved(message.topic)) return undefined;
  message.retainedAt = broker.clock.now();
  const refusal = broker.retained.keep(message);
  if (refusal) countViolation(broker, refusal, broker.sessions.get(message.publisher ?? ''));
  if (refusal || message.payload.length === 0)
    broker.journal?.record({ type: 'forgotten', topic: message.topic });
  else broker.journal?.record({ type: 'retained', message });
  broker.counters.retainedMessages = broker.retained.size;
  return refusal;
}
