import type { HeldByOwners } from '../session/held-bytes.ts';
import type { MqttLimits } from './limits.ts';

/** Totals since the server was made, and gauges of now; for `/metrics`. */
export interface MqttCounters {
  /** Streams open now, authenticated or not. */
  connections: number;
  /** Sessions held now, connected or not. */
  sessions: number;
  retainedMessages: number;
  /** Bytes of memory, about, that messages take now in all sessions, waiting or not acknowledged. */
  readonly queuedBytes: number;
  /** Owners that have sessions now, as `hooks.queueOwner` names them. */
  readonly queueOwners: number;
  connectsAccepted: number;
  connectsRefused: number;
  takeovers: number;
  publishesReceived: number;
  publishesSent: number;
  /** PUBACK and PUBCOMP: messages that clients have. */
  pubacksReceived: number;
  /** Messages that a session had no room for, that were too old or too large for their client, or that ended with their session. */
  messagesDropped: number;
  /** Commits of the session store that failed and were tried again. */
  commitsFailed: number;
  /** Violations of each limit, by its name. */
  violations: Partial<Record<keyof MqttLimits, number>>;
  /** Connections that ended, by reason. */
  disconnects: Partial<Record<string, number>>;
}

/** The gauges of queues read what is `held`. */
export function newCounters(held: Pick<HeldByOwners, 'sum' | 'owners'>): MqttCounters {
  return {
    connections: 0,
    sessions: 0,
    retainedMessages: 0,
    get queuedBytes() {
      return held.sum;
    },
    get queueOwners() {
      return held.owners;
    },
    connectsAccepted: 0,
    connectsRefused: 0,
    takeovers: 0,
    publishesReceived: 0,
    publishesSent: 0,
    pubacksReceived: 0,
    messagesDropped: 0,
    commitsFailed: 0,
    violations: {},
    disconnects: {},
  };
}
