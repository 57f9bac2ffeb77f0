import type { Duplex } from 'node:stream';
import type { Clock, Logger } from '@ioto/runtime';
import type { Qos } from '../codec/packets.ts';
import { REASON } from '../codec/reason-codes.ts';
import { mqttError } from '../errors.ts';
import { HeldByOwners } from '../session/held-bytes.ts';
import type { DeliveryOutcome, Message, MessageProperties } from '../session/message.ts';
import { SessionGroups } from '../session/session-groups.ts';
import { SessionJournal } from '../session/session-journal.ts';
import type { SessionStore } from '../session/session-store.ts';
import { RetainedMessages } from '../topics/retained-messages.ts';
import { SubscriptionTree } from '../topics/subscription-tree.ts';
import { topicNameFault } from '../topics/topic-rules.ts';
import type { Broker } from './broker.ts';
import { Connection } from './connection.ts';
import { type MqttCounters, newCounters } from './counters.ts';
import { deliver } from './deliver.ts';
import type { ConnectionInfo, DisconnectReason, MqttHooks } from './hooks.ts';
import { LimitReports } from './limit-reports.ts';
import { defaultLimits, type MqttLimits } from './limits.ts';
import { restoreState } from './restore-state.ts';
import { retain, route } from './routing.ts';
import { endSession } from './session-life.ts';
import { settleHook } from './settle-hook.ts';
import { type TakenPublish, takePublish } from './take-publish.ts';
import { TurnBudget } from './turn-budget.ts';
import { settleWill } from './will.ts';

/** Milliseconds that the last commit is waited for. */
const FLUSH_TIMEOUT = 5000;

export interface MqttServerOptions<P> {
  hooks: MqttHooks<P>;
  /** Those that differ from `defaultLimits`. */
  limits?: Partial<MqttLimits>;
  clock: Clock;
  logger: Logger;
  /** Where sessions and retained messages outlive the process; `start` must be called then. Without it they end with it. */
  store?: SessionStore;
}

interface MessageOptions {
  /** For clients of MQTT 5. */
  properties?: MessageProperties;
  /** Milliseconds after which the message is not delivered any more. */
  expiry?: number;
}

/** A message that its topic goes on having. */
export type RetainedMessage = Readonly<
  Pick<Message, 'topic' | 'payload' | 'qos' | 'properties' | 'retainedAt'>
>;

export interface PublishOptions extends MessageOptions {
  /** Client ID, or session ID, of who has the message already and is not sent it. */
  except?: string;
  /** Default 0. */
  qos?: Qos;
  /** Default false. */
  retain?: boolean;
}

export interface DeliverOptions extends MessageOptions {
  /** Default 1. */
  qos?: Qos;
  /** Milliseconds to wait for the outcome; default: as long as the session lives. */
  timeout?: number;
  /** True where the caller keeps the message and sends it anew after a restart: it is not written down with the session. */
  transient?: boolean;
}

/** An MQTT 3.1.1 and 5.0 server over any Duplex. */
export class MqttServer<P> {
  readonly #broker: Broker<P>;
  readonly #store: SessionStore | undefined;
  #started = false;
  #stopped = false;

  constructor({ hooks, limits: changed, clock, logger, store }: MqttServerOptions<P>) {
    const limits = Object.freeze({ ...defaultLimits, ...changed });
    const held = new HeldByOwners(limits);
    const counters = newCounters(held);
    const onFailure = (error: unknown) => {
      counters.commitsFailed += 1;
      logger.error({ err: error }, 'the session store failed; clients wait until it works again');
    };
    this.#store = store;
    this.#broker = {
      hooks,
      limits,
      clock,
      logger,
      counters,
      journal: store && new SessionJournal({ store, clock, onFailure }),
      sessions: new Map(),
      subscriptions: new SubscriptionTree(),
      retained: new RetainedMessages(limits, hooks.retainedOwner?.bind(hooks)),
      held,
      groups: new SessionGroups(),
      turn: new TurnBudget(),
      limitReports: new LimitReports(clock, (facts) =>
        settleHook(
          () => hooks.limitExceeded?.(facts),
          (error) => logger.error({ err: error, ...facts }, 'hooks.limitExceeded failed'),
        ),
      ),
      clients: new Map(),
      pending: new Set(),
      connections: new Set(),
    };
  }

  get counters(): Readonly<MqttCounters> {
    return this.#broker.counters;
  }

  /** Takes up what the store holds. Rejects as its `load` does. Needed only with a store, before the first `accept`. */
  async start(): Promise<void> {
    if (this.#store) restoreState(this.#broker, await this.#store.load());
    this.#started = true;
  }

  /** Serves one client on a stream whose bytes are MQTT's from the first. Owns the stream from here on. */
  accept(stream: Duplex, info: ConnectionInfo): void {
    if (this.#stopped || (this.#store && !this.#started)) stream.on('error', () => undefined).destroy();
    else new Connection(this.#broker, stream, info).start();
  }

  /**
   * Queues a message to every session with a matching subscription; returns how many took it. Throws
   * `MQTT_TOPIC_INVALID` and `MQTT_LIMIT_EXCEEDED` (maxPayloadSize).
   */
  publish(
    topic: string,
    payload: Buffer | string,
    { qos = 0, retain: keep = false, except, ...options }: PublishOptions = {},
  ): number {
    const message = { ...this.#message(topic, payload, qos, options), retain: keep, except };
    if (keep) retain(this.#broker, message);
    return route(this.#broker, message);
  }

  /** Takes a message that a client published by another way than MQTT; see `takePublish`. */
  take(principal: P, publish: TakenPublish): Promise<void> {
    return takePublish(this.#broker, principal, publish);
  }

  /** What is retained on topics that a filter matches. */
  retained(filter: string): RetainedMessage[] {
    const found: RetainedMessage[] = [];
    for (const message of this.#broker.retained.matching(filter, this.#broker.clock.now())) {
      if (message) found.push(message);
    }
    return found;
  }

  /** False when nobody would get a message on this topic or one below it, so that it need not be made. */
  hasSubscribers(topic: string): boolean {
    return this.#broker.subscriptions.reaches(topic);
  }

  /**
   * Queues a message to one client's session, if a subscription of it matches. A connected client that has not
   * subscribed yet is given `subscribeGrace` to do so. Rejects as `publish` throws, and for nothing else.
   */
  async deliver(
    clientId: string,
    topic: string,
    payload: Buffer | string,
    { qos = 1, timeout, transient, ...options }: DeliverOptions = {},
  ): Promise<DeliveryOutcome> {
    const message = { ...this.#message(topic, payload, qos, options), transient };
    return deliver(this.#broker, clientId, message, timeout);
  }

  /** Closes a client's connection; its persistent session stays. False when it is not connected. */
  disconnect(
    clientId: string,
    reason: DisconnectReason,
    detail = 'the server closed the connection',
  ): boolean {
    const connection = this.#broker.clients.get(clientId);
    connection?.close({ reason, detail });
    return connection !== undefined;
  }

  /** Ends a client's session, queue and all, and its connection. */
  dropSession(clientId: string): void {
    this.disconnect(clientId, 'SERVER_INITIATED_DISCONNECT', 'the server ended the session');
    const session = this.#broker.sessions.get(clientId);
    if (session) endSession(this.#broker, session);
  }

  isConnected(clientId: string): boolean {
    return this.#broker.clients.has(clientId);
  }

  /** Closes every connection, without wills, and ends every session that no store keeps. Resolves when the streams are closed. */
  async stop(): Promise<void> {
    this.#stopped = true;
    const connections = [...this.#broker.connections];
    for (const connection of connections) {
      connection.close({
        reason: 'SERVER_INITIATED_DISCONNECT',
        detail: 'the server stops',
        reasonCode: REASON.serverShuttingDown,
        withoutWill: true,
      });
    }
    await this.#flushJournal();
    for (const session of this.#broker.sessions.values()) settleWill(session, false);
    for (const session of [...this.#broker.sessions.values()]) endSession(this.#broker, session, true);
    // One turn for what was sent last, but no waiting for peers.
    await new Promise((resolve) => setImmediate(resolve));
    for (const connection of connections) connection.destroy();
    await Promise.all(connections.map(({ closed }) => closed));
  }

  /** What comes after is the end of the process, and no change of the sessions. A store that fails holds nobody up. */
  async #flushJournal(): Promise<void> {
    const { journal, clock } = this.#broker;
    if (!journal) return;
    let cancel: () => void = () => undefined;
    const late = new Promise<void>((resolve) => {
      cancel = clock.after(FLUSH_TIMEOUT, resolve, { unref: true });
    });
    await Promise.race([journal.flush(), late]);
    cancel();
    journal.close();
  }

  #message(
    topic: string,
    payload: Buffer | string,
    qos: Qos,
    { properties, expiry }: MessageOptions,
  ): Message {
    const fault = topicNameFault(topic);
    if (fault) throw mqttError('MQTT_TOPIC_INVALID', `the server was asked to publish to ${fault}`);
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    const { maxPayloadSize } = this.#broker.limits;
    if (bytes.length > maxPayloadSize || Buffer.byteLength(topic) > 65_535) {
      const text = `a message of ${bytes.length} bytes to ${topic.slice(0, 256)}; maxPayloadSize is ${maxPayloadSize}`;
      throw mqttError('MQTT_LIMIT_EXCEEDED', text, { details: { limit: 'maxPayloadSize' } });
    }
    const expiresAt = expiry === undefined ? undefined : this.#broker.clock.now() + expiry;
    return { topic, payload: bytes, qos, retain: false, properties, expiresAt };
  }
}
