import type { Qos, SubscriptionRequest } from '../codec/packets.ts';

/** What a subscription, or several that overlap, let a message through with. */
export interface Grant {
  readonly qos: Qos;
  readonly retainAsPublished: boolean;
  /** Subscription identifiers (5.0, 3.8.2.1.2). */
  readonly identifiers?: number[];
}

export interface Subscription extends Grant {
  /** As it was asked for; its key in the session. */
  readonly filter: string;
  /** Without `$share/{name}/`. */
  readonly topicFilter: string;
  /** Name of the shared subscription (5.0, 4.8.2). */
  readonly share?: string;
  readonly noLocal: boolean;
}

const SHARE = '$share/';

/** The share name and the filter behind it; neither is checked. */
export function splitShare(filter: string): { share?: string; topicFilter: string } {
  if (!filter.startsWith(SHARE)) return { topicFilter: filter };
  const slash = filter.indexOf('/', SHARE.length);
  if (slash < 0) return { share: filter.slice(SHARE.length), topicFilter: '' };
  return { share: filter.slice(SHARE.length, slash), topicFilter: filter.slice(slash + 1) };
}

export function subscriptionOf(request: SubscriptionRequest, identifier?: number): Subscription {
  const { filter, qos, noLocal = false, retainAsPublished = false } = request;
  const identifiers = identifier === undefined ? undefined : [identifier];
  return { filter, ...splitShare(filter), qos, noLocal, retainAsPublished, identifiers };
}

/** What overlapping subscriptions of one session come to: the highest QoS [MQTT-3.3.5-1], every identifier [MQTT5-3.3.4-4]. */
export function mergedGrant(subscriptions: readonly Subscription[]): Grant | undefined {
  const [first, ...others] = subscriptions;
  if (!first || others.length === 0) return first;
  const identifiers = subscriptions.flatMap((each) => each.identifiers ?? []);
  return {
    qos: Math.max(...subscriptions.map(({ qos }) => qos)) as Qos,
    retainAsPublished: subscriptions.some((each) => each.retainAsPublished),
    identifiers: identifiers.length > 0 ? identifiers : undefined,
  };
}
