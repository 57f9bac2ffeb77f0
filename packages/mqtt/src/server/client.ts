import { newUlid } from '@ioto/runtime';
import type { ConnectPacket, Will } from '../codec/packets.ts';
import { buildPublish } from '../codec/publish.ts';
import type { Delivery } from '../session/message.ts';
import type { Link } from '../session/outgoing-queue.ts';
import type { Session } from '../session/session.ts';
import { type Connection, HOLD } from './connection.ts';
import type { Ending } from './ending.ts';
import { receive } from './handle-publish.ts';
import { IdleTimer } from './idle-timer.ts';
import { ReceivedInOrder } from './received-in-order.ts';
import { leaveSession } from './session-life.ts';
import { settleHook } from './settle-hook.ts';
import { TokenBucket } from './token-bucket.ts';

/** Packet identifiers are sixteen bits, without 0 (3.1.1, 2.3.1). */
const LARGEST_WINDOW = 65_535;

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
  readonly connectionId = newUlid();
  readonly session: Session;
  readonly keepAlive: IdleTimer;
  /** Seconds, after clamping. */
  readonly keepAliveSeconds: number;
  readonly received: ReceivedInOrder;
  readonly publishRate: TokenBucket;
  will: Will | undefined;
  /** The topic that was last found to be within rules and limits. */
  checkedTopic = '';
  readonly #window: number;
  #cancelStallCheck: () => void = () => undefined;

  constructor(connection: Connection<P>, facts: ClientFacts<P>) {
    const { principal, connect, session, maxInFlight = Number.POSITIVE_INFINITY } = facts;
    const { clock, limits } = connection.broker;
    this.connection = connection;
    this.principal = principal;
    this.clientId = connect.clientId;
    this.session = session;
    this.will = connect.will;
    this.#window = Math.min(limits.maxInFlight, maxInFlight, LARGEST_WINDOW);
    this.keepAliveSeconds = clampKeepAlive(connect.keepAlive, limits);
    this.keepAlive = new IdleTimer(clock, this.keepAliveSeconds * 1500, () => this.#onSilence());
    this.publishRate = new TokenBucket(limits.maxPublishRate, clock.now());
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
    };
    this.keepAlive.start();
    this.session.attach(link);
  }

  onStallCheck(ms: number, check: () => void): void {
    this.#cancelStallCheck = this.connection.broker.clock.after(ms, check, { unref: true });
  }

  /** The connection has ended. */
  leave({ reason, detail, limit, withoutWill }: Ending): void {
    const { broker } = this.connection;
    this.keepAlive.stop();
    this.#cancelStallCheck();
    if (broker.clients.get(this.clientId) === this.connection) broker.clients.delete(this.clientId);
    leaveSession(broker, this.session);
    if (this.will && !withoutWill) this.#publishWill(this.will);
    const { clientId, connectionId, principal } = this;
    const facts = { clientId, connectionId, reason, detail, limit };
    settleHook(
      () => broker.hooks.disconnected?.(principal, facts),
      (error) => broker.logger.error({ err: error, clientId }, 'hooks.disconnected failed'),
    );
  }

  #deliver({ message, qos, packetId }: Delivery, dup: boolean): void {
    const { topic, payload, retain } = message;
    this.connection.broker.counters.publishesSent += 1;
    this.connection.send(buildPublish({ topic, payload, qos, dup, retain, packetId }, 4));
  }

  /** [MQTT-3.1.2-8]. A will of QoS 2 is published with QoS 1. */
  #publishWill({ topic, payload, qos, retain }: Will): void {
    receive(this, { topic, payload, qos: qos === 0 ? 0 : 1, dup: false, retain }, () => undefined);
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

/** Seconds. A client that asks for none gets the longest. */
function clampKeepAlive(asked: number, limits: { minKeepAlive: number; maxKeepAlive: number }): number {
  if (asked === 0) return limits.maxKeepAlive;
  return Math.min(Math.max(asked, limits.minKeepAlive), limits.maxKeepAlive);
}
