import type { Delivery, Message } from '../session/message.ts';
import type { Session } from '../session/session.ts';
import { isBasicIngest, isReserved } from '../topics/topic-rules.ts';
import { type Broker, countViolation } from './broker.ts';

/** Queues a message to every session that subscribes to its topic (3.1.1, 3.3.4). Returns how many took it. */
export function route<P>(broker: Broker<P>, message: Message): number {
  if (broker.subscriptions.isEmpty || isBasicIngest(message.topic)) return 0;
  let taken = 0;
  for (const [session, qos] of broker.subscriptions.match(message.topic)) {
    if (!offer(broker, session, message, qos === 0 ? 0 : 1)) taken += 1;
  }
  return taken;
}

/** Queues a message to one session and counts what is lost. Returns why it was not taken, or undefined. */
export function offer<P>(
  broker: Broker<P>,
  session: Session,
  message: Message,
  granted: 0 | 1,
  settle?: Delivery['settle'],
): 'offline' | 'dropped' | undefined {
  const refusal = session.enqueue(message, granted, settle);
  if (refusal === undefined || refusal === 'offline') return refusal;
  countViolation(broker, refusal);
  broker.counters.messagesDropped += 1;
  return 'dropped';
}

/** Retains a message that asks for it; AWS retains nothing on reserved topics (3.1.1, 3.3.1.3). */
export function retain<P>(broker: Broker<P>, message: Message): void {
  if (isReserved(message.topic)) return;
  const refusal = broker.retained.keep(message);
  if (refusal) countViolation(broker, refusal);
  broker.counters.retainedMessages = broker.retained.size;
}
