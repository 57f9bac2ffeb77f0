import { newUlid } from '@ioto/runtime';
import { buildAck } from '../codec/ack.ts';
import { type AckPacket, type ConnectPacket, PACKET_TYPE, type Will } from '../codec/packets.ts';
import type { Properties } from '../codec/properties.ts';
import { buildPublish, newTopicMemory } from '../codec/publish.ts';
import { type Delivery, ownBytes } from '../session/message.ts';
import type { Link } from '../session/outgoing-queue.ts';
import type { Session } from '../session/session.ts';
import type { Matches } from '../topics/subscription-tree.ts';
import { type Connection, HOLD } from './connection.ts';
import { type Ending, withReasonThatFits } from './ending.ts';
import { IdleTimer } from './idle-timer.ts';
import { keepAliveOf } from './keep-alive.ts';
import { ReceivedInOrder } from './received-in-order.ts';
import { RetainedFeeds } from './retained-feeds.ts';
import { sendPublish } from './send-publish.ts';
import { leaveSession } from './session-life.ts';
import { settleHook } from './settle-hook.ts';
import { TokenBucket } from './token-bucket.ts';
import { TopicAliases } from './topic-aliases.ts';
import { leaveWill } from './will.ts';

/** Packet identifiers are sixteen bits, without 0 (3.1.1, 2.3.1). */
const LARGEST_WINDOW = 65_535;

/** Bytes by which a topic alias may lengthen a packet: the property, and a byte more of either length field (5.0, 3.3.2.3.4). */
const ALIAS_ROOM = 5;

export interface ClientFacts<P> {
  principal: P;
  connect: ConnectPacket;
  session: Session;
  /** Unacknowledged messages that the client's dialect allows. */
  maxInFlight?: number;
}

/** A client that was let in, for as long as its connection lasts. */
export class Client<P> {
  readonly connection: Connection<P>;
  readonly principal: P;
  readonly clientId: string;
  readonly connect: ConnectPacket;
  readonly connectionId = newUlid();
  readonly session: Session;
  readonly keepAlive: IdleTimer;
  /** Seconds, after clamping. */
  readonly keepAliveSeconds: number;
  readonly received: ReceivedInOrder;
  readonly publishRate: TokenBucket;
  readonly subscribeRate: TokenBucket;
  readonly aliases: TopicAliases;
  readonly retainedFeeds: RetainedFeeds<P>;
  readonly topicMemory = newTopicMemory();
  /** The topic that was last found to be within rules and limits. */
  checkedTopic: string | undefined;
  readonly #window: number;
  #matchedTopic: string | undefined;
  #matchedVersion = -1;
  #matches: Matches<Session> | undefined;
  #cancelStallCheck: () => void = () => undefined;

  constructor(connection: Connection<P>, facts: ClientFacts<P>) {
    const { principal, connect, session, maxInFlight = Number.POSITIVE_INFINITY } = facts;
    const { clock, limits } = connection.broker;
    const { receiveMaximum = LARGEST_WINDOW, topicAliasMaximum = 0 } = connect.properties ?? {};
    this.connection = connection;
    this.principal = principal;
    this.clientId = connect.clientId;
    // Neither the secret nor the chunk that it came in is held for as long as the client stays.
    this.connect = {
      ...connect,
      will: connect.will && ownWill(connect.will),
      username: undefined,
      password: undefined,
    };
    this.session = session;
    const { hooks } = connection.broker;
    session.receives = hooks.mayReceive && ((topic) => hooks.mayReceive?.(principal, topic) === true);
    // [MQTT5-3.3.4-7] [MQTT5-3.3.4-9]
    this.#window = Math.min(limits.maxInFlight, maxInFlight, receiveMaximum);
    const { maxTopicAliases } = limits;
    this.aliases = new TopicAliases(maxTopicAliases, Math.min(maxTopicAliases, topicAliasMaximum));
    this.keepAliveSeconds = keepAliveOf(connect, limits);
    this.keepAlive = new IdleTimer(clock, this.keepAliveSeconds * 1500, () => this.#onSilence());
    this.publishRate = new TokenBucket(limits.maxPublishRate, clock.now());
    this.subscribeRate = new TokenBucket(limits.maxSubscribeRate, clock.now());
    this.retainedFeeds = new RetainedFeeds(this);
    this.received = new ReceivedInOrder(
      (error) => connection.fail(error),
      () => {
        if (this.received.pending < limits.maxReceiving) connection.release(HOLD.receiving);
      },
    );
  }

  /** Starts what runs while the client is here; messages that waited for it are sent. */
  start(): void {
    const { outbox } = this.connection;
    const link: Link = {
      window: this.#window,
      ready: () => outbox.ready,
      send: (delivery, dup) => this.#deliver(delivery, dup),
      release: (packetId) => this.answer('pubrel', packetId),
    };
    this.keepAlive.start();
    this.session.attach(link);
  }

  /** Who subscribes to a topic; costs nothing for the topic of last time. */
  matchesOf(topic: string): Matches<Session> {
    const { subscriptions } = this.connection.broker;
    if (this.#matches && topic === this.#matchedTopic && this.#matchedVersion === subscriptions.version) {
      return this.#matches;
    }
    this.#matches = subscriptions.match(topic);
    this.#matchedTopic = topic;
    this.#matchedVersion = subscriptions.version;
    return this.#matches;
  }

  /** An acknowledgement; its reason only in MQTT 5, and the text only as far as the client wants it [MQTT5-3.1.2-29]. */
  answer(type: AckPacket['type'], packetId: number, reasonCode = 0, reasonString?: string): void {
    const { connection } = this;
    if (!connection.isOpen) return;
    const flags = type === 'pubrel' ? 2 : 0;
    if (connection.level === 4 || (reasonCode === 0 && reasonString === undefined))
      connection.sendAck((PACKET_TYPE[type] << 4) | flags, packetId);
    else
      connection.send(
        this.withReason(reasonString, (properties) => buildAck(type, packetId, reasonCode, properties)),
      );
  }

  /** A packet with its reason string, or without where the client does not want it or cannot take it. */
  withReason(reasonString: string | undefined, build: (properties?: Properties) => Buffer): Buffer {
    const wanted = this.connect.properties?.requestProblemInformation !== 0;
    return withReasonThatFits(this.connection, wanted ? reasonString : undefined, build) ?? build();
  }

  onStallCheck(ms: number, check: () => void): void {
    this.#cancelStallCheck = this.connection.broker.clock.after(ms, check, { unref: true });
  }

  /** The connection has ended. */
  leave({ reason, detail, limit, withoutWill }: Ending): void {
    const { broker } = this.connection;
    this.keepAlive.stop();
    this.#cancelStallCheck();
    const key = this.session.clientId;
    if (broker.clients.get(key) === this.connection) broker.clients.delete(key);
    if (!withoutWill) leaveWill(this);
    leaveSession(broker, this.session);
    const { clientId, connectionId, principal } = this;
    const facts = { clientId, connectionId, reason, detail, limit };
    settleHook(
      () => broker.hooks.disconnected?.(principal, facts),
      (error) => broker.logger.error({ err: error, clientId }, 'hooks.disconnected failed'),
    );
  }

  /**
   * False for a message that is larger than the client takes [MQTT5-3.1.2-24] [MQTT5-3.1.2-25], and for one that it may not
   * receive any more.
   */
  #deliver(delivery: Delivery, dup: boolean): boolean {
    const { connection, session } = this;
    if (!connection.isOpen) return true;
    const waited = dup || delivery.queuedAt > 0;
    if (waited && session.receives?.(delivery.message.topic) === false) return false;
    if (connection.level === 4 || this.#isPlain(delivery)) {
      if (!sendPublish(connection.outbox, delivery, dup, connection.level, connection.maximumPacketSize))
        return false;
    } else {
      const bytes = this.#encode5(delivery, dup);
      if (!bytes) return false;
      connection.outbox.write(bytes);
    }
    connection.broker.counters.publishesSent += 1;
    connection.wrote();
    return true;
  }

  /** True for a message that has nothing to say which only MQTT 5 knows. */
  #isPlain({ message, identifiers }: Delivery): boolean {
    return !message.properties && message.expiresAt === undefined && !identifiers && !this.aliases.sends;
  }

  #encode5({ message, qos, retain, packetId, identifiers }: Delivery, dup: boolean): Buffer | undefined {
    const { topic, payload, expiresAt } = message;
    const properties: Properties = { ...message.properties, subscriptionIdentifiers: identifiers };
    if (expiresAt !== undefined) {
      // What is left of it [MQTT5-3.3.2-6].
      const left = Math.ceil((expiresAt - this.connection.broker.clock.now()) / 1000);
      properties.messageExpiryInterval = Math.max(0, left);
    }
    const packet = { topic, payload, qos, dup, retain, packetId, properties };
    const { maximumPacketSize } = this.connection;
    if (maximumPacketSize < Number.POSITIVE_INFINITY) {
      const plain = buildPublish(packet, 5);
      if (plain.length > maximumPacketSize) return undefined;
      // One that does not get out with the packet that tells its topic would be unknown.
      if (plain.length + ALIAS_ROOM > maximumPacketSize) return plain;
    }
    const { topic: sent, topicAlias } = this.aliases.forSending(topic);
    properties.topicAlias = topicAlias;
    return buildPublish({ ...packet, topic: sent }, 5);
  }

  /** [MQTT-3.1.2-24]; not while it is the server that does not read. */
  #onSilence(): void {
    if (this.connection.isHeld) {
      this.keepAlive.start();
      return;
    }
    const detail = `nothing came for 1.5 times the keep-alive of ${this.keepAliveSeconds} s`;
    this.connection.close({ reason: 'MQTT_KEEP_ALIVE_TIMEOUT', detail });
  }
}

function ownWill(will: Will): Will {
  return { ...will, payload: ownBytes(will.payload) };
}
