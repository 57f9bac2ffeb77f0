/**
 * What became of a message for one client: `acknowledged` by its PUBACK; `sent`, which is all there is to know with
 * QoS 0; `offline`: it has no session that would keep the message; `unsubscribed`: it never subscribed to the topic;
 * `timeout`: no PUBACK in time, the message stays queued; `dropped`: its queue is full, or its session ended.
 */
export type DeliveryOutcome = 'acknowledged' | 'sent' | 'offline' | 'unsubscribed' | 'timeout' | 'dropped';
