import type { Qos } from '../codec/packets.ts';
import type { Message } from './message.ts';
import type { Subscription } from './subscription.ts';

/** A message of QoS 1 or 2 that waits for one client, or for its acknowledgement. */
export interface StoredDelivery {
  /** Rises with each message of a session: its key, and its order. */
  sequence: number;
  message: Message;
  qos: Qos;
  retain: boolean;
  identifiers?: number[];
  /** Milliseconds since the epoch; 0 for one that was sent at once. */
  queuedAt: number;
  /** 1..65535 once it was sent, else 0. */
  packetId: number;
  /** Between PUBREC and PUBCOMP. */
  released: boolean;
}

export interface StoredSession {
  clientId: string;
  owner?: string;
  /** Milliseconds that it outlives its connection; may be Infinity. */
  expiry: number;
  /** Milliseconds since the epoch; undefined while its client is connected, or for a session that lasts for ever. */
  expiresAt?: number;
  subscriptions: Subscription[];
  /** In the order of their sequence. */
  deliveries: StoredDelivery[];
  /** Packet identifiers of the client's QoS 2 messages that it has not released. */
  unreleased: number[];
}

export interface StoredState {
  sessions: StoredSession[];
  retained: Message[];
}

/** One change of what is stored. */
export type SessionChange =
  | { type: 'session'; clientId: string; owner?: string; expiry: number; expiresAt?: number }
  | { type: 'sessionEnded'; clientId: string }
  | { type: 'subscribed'; clientId: string; subscription: Subscription }
  | { type: 'unsubscribed'; clientId: string; filter: string }
  | { type: 'queued'; clientId: string; delivery: StoredDelivery }
  | { type: 'sent'; clientId: string; sequence: number; packetId: number }
  | { type: 'released'; clientId: string; sequence: number }
  | { type: 'settled'; clientId: string; sequence: number }
  | { type: 'received'; clientId: string; packetId: number }
  | { type: 'receivedReleased'; clientId: string; packetId: number }
  | { type: 'retained'; message: Message }
  | { type: 'forgotten'; topic: string };

/**
 * Where persistent sessions and retained messages outlive the process. One `Message` object may stand in changes of many
 * sessions; its payload may be a view of a larger buffer, and both are only promised until `commit` settles.
 */
export interface SessionStore {
  /** Everything that was committed. Called once, before the first commit. */
  load(): Promise<StoredState>;
  /**
   * Applies the changes in order, all or none; resolves when they are durable. Never called again before it has settled.
   * After a rejection the same changes come again, with those that were made since.
   */
  commit(changes: readonly SessionChange[]): Promise<void>;
}
