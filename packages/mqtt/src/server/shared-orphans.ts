import type { Delivery } from '../session/message.ts';
import type { Session } from '../session/session.ts';
import { splitShare } from '../session/subscription.ts';
import type { Broker } from './broker.ts';
import { routeToOne } from './routing.ts';

/**
 * What a session that ends leaves of shared subscriptions for their other members (5.0, 4.8.2): what was not sent, and
 * QoS 1 that was not acknowledged. Not what the client refused, which is settled [MQTT5-4.8.2-6], and not QoS 2 that was
 * begun, which must go to nobody else [MQTT5-4.8.2-5].
 */
export function orphansOf({ queue }: Session): Delivery[] {
  const orphans: Delivery[] = [];
  for (const delivery of queue.all()) {
    if (delivery.shared !== undefined && (delivery.packetId === 0 || delivery.qos === 1))
      orphans.push(delivery);
  }
  return orphans;
}

/** Gives them to the other members, if there are any; returns how many were taken. */
export function passOn<P>(broker: Broker<P>, orphans: readonly Delivery[]): number {
  let taken = 0;
  for (const { message, shared = '' } of orphans) {
    const group = broker.subscriptions.groupOf(splitShare(shared));
    if (group && routeToOne(broker, message, group)) taken += 1;
  }
  return taken;
}
