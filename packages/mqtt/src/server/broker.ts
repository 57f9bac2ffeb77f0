import type { Clock, Logger } from '@ioto/runtime';
import type { HeldByOwners } from '../session/held-bytes.ts';
import type { Session } from '../session/session.ts';
import type { SessionGroups } from '../session/session-groups.ts';
import type { SessionJournal } from '../session/session-journal.ts';
import type { RetainedMessages } from '../topics/retained-messages.ts';
import type { SubscriptionTree } from '../topics/subscription-tree.ts';
import type { Connection } from './connection.ts';
import type { MqttCounters } from './counters.ts';
import type { MqttHooks } from './hooks.ts';
import type { LimitReports, Violator } from './limit-reports.ts';
import type { MqttLimits } from './limits.ts';
import type { TurnBudget } from './turn-budget.ts';

/** What the handlers of one server share. */
export interface Broker<P> {
  readonly hooks: MqttHooks<P>;
  readonly limits: Readonly<MqttLimits>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly counters: MqttCounters;
  /** By client ID. */
  readonly sessions: Map<string, Session>;
  readonly subscriptions: SubscriptionTree<Session>;
  readonly retained: RetainedMessages;
  /** By all sessions. */
  readonly held: HeldByOwners;
  readonly groups: SessionGroups;
  /** Where changes are written down; undefined where sessions end with the process. */
  readonly journal: SessionJournal | undefined;
  readonly turn: TurnBudget;
  readonly limitReports: LimitReports;
  /** The connection of each client that was let in, by client ID. */
  readonly clients: Map<string, Connection<P>>;
  /** Connections without an accepted CONNECT, the oldest first. */
  readonly pending: Set<Connection<P>>;
  /** Every connection whose stream is not closed yet. */
  readonly connections: Set<Connection<P>>;
}

/** Counts a violation of a limit; where it is a known client's, the embedder is told, too. */
export function countViolation<P>(
  { counters, limits, limitReports }: Broker<P>,
  limit: keyof MqttLimits,
  violator?: Violator,
  detail = `beyond ${limit}, which is ${limits[limit]}`,
): void {
  counters.violations[limit] = (counters.violations[limit] ?? 0) + 1;
  if (violator) limitReports.add(limit, violator, detail);
}
