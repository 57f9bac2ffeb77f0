import { type DeliveryOutcome, type Message, messageSize } from '../session/message.ts';
import type { QueueRefusal } from '../session/outgoing-queue.ts';
import type { Session } from '../session/session.ts';
import { graceSize } from '../session/waiting-for-subscription.ts';
import { type Broker, countViolation } from './broker.ts';
import type { MqttLimits } from './limits.ts';
import { offer } from './routing.ts';

/** One message to one client, and what became of it. `timeout` in milliseconds. */
export function deliver<P>(
  broker: Broker<P>,
  clientId: string,
  message: Message,
  timeout: number | undefined,
): Promise<DeliveryOutcome> {
  const session = broker.sessions.get(clientId);
  if (!session) return Promise.resolve('offline');
  return new Promise((resolve) => {
    let cancel: () => void = () => undefined;
    const settle = (outcome: DeliveryOutcome) => {
      cancel();
      resolve(outcome);
    };
    if (timeout !== undefined)
      cancel = broker.clock.after(timeout, () => resolve('timeout'), { unref: true });
    const grant = session.grantFor(message.topic);
    const refusal =
      grant === undefined
        ? awaitSubscription(broker, session, message, settle)
        : offer(broker, session, message, grant, false, { settle });
    if (refusal) settle(refusal);
  });
}

/** Holds a message for a client that is connected, until its SUBSCRIBE comes or its grace ends. */
function awaitSubscription<P>(
  broker: Broker<P>,
  session: Session,
  message: Message,
  settle: (outcome: DeliveryOutcome) => void,
): 'offline' | 'dropped' | undefined {
  const { limits, clock } = broker;
  if (!session.connected) return 'offline';
  const limit = waitingLimitExceeded(session, message, limits);
  if (limit) {
    countViolation(broker, limit, session);
    broker.counters.messagesDropped += 1;
    return 'dropped';
  }
  const expire = () => session.waiting.expire(waiting);
  const waiting = { message, settle, cancel: clock.after(limits.subscribeGrace, expire, { unref: true }) };
  session.waiting.add(waiting);
  return undefined;
}

function waitingLimitExceeded(
  { waiting, held }: Session,
  message: Message,
  limits: MqttLimits,
): QueueRefusal | undefined {
  if (waiting.length >= limits.maxQueuedMessages) return 'maxQueuedMessages';
  if (waiting.bytes + messageSize(message) > limits.maxQueuedBytes) return 'maxQueuedBytes';
  return held.refusalOf(graceSize(message));
}
