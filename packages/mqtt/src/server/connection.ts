import type { Duplex } from 'node:stream';
import { isCodedError } from '@ioto/runtime';
import { parsePacket } from '../codec/codec.ts';
import { levelOfConnect } from '../codec/connect.ts';
import { FrameReader } from '../codec/frame-reader.ts';
import type { ProtocolLevel } from '../codec/packets.ts';
import { REASON } from '../codec/reason-codes.ts';
import { mqttError } from '../errors.ts';
import type { Broker } from './broker.ts';
import type { Client } from './client.ts';
import { type Ending, endingOf, goodbyeOf, reportEnding } from './ending.ts';
import { handleFrequent } from './handle-frequent.ts';
import { handlePacket } from './handle-packet.ts';
import type { ConnectionInfo } from './hooks.ts';
import { Outbox } from './outbox.ts';

/** Why a connection is not read for a while; the bytes wait in the stream, and the peer behind it. */
export const HOLD = {
  authenticating: 1,
  receiving: 2,
  writing: 4,
  publishRate: 8,
  turn: 16,
  subscribeRate: 32,
} as const;

/** Every client's first byte: a CONNECT, whose flags are all 0 [MQTT-2.2.2-1]. */
const CONNECT_BYTE = 0x10;

/** Milliseconds that a closed connection is given to take its last packets. */
const LINGER = 1000;

/** One stream: bytes in, packets in order to their handlers, packets out. What it knows of its client is in `client`. */
export class Connection<P> {
  readonly broker: Broker<P>;
  readonly info: ConnectionInfo;
  readonly outbox: Outbox;
  readonly frames: FrameReader;
  /** Set when CONNECT was accepted. */
  client: Client<P> | undefined;
  /** As CONNECT said. */
  level: ProtocolLevel = 4;
  /** Bytes of a packet that the client takes, as CONNECT said (5.0, 3.1.2.11.4). */
  maximumPacketSize = Number.POSITIVE_INFINITY;
  /** Set by the first CONNECT [MQTT-3.1.0-2]. */
  connectReceived = false;
  readonly #stream: Duplex;
  readonly #closed: Promise<void>;
  #markClosed: () => void = () => undefined;
  #open = true;
  /** Set by the first byte. */
  #begun = false;
  #holds = 0;
  #streamEnded = false;
  #cancelTimer: () => void = () => undefined;
  #stallWatched = false;
  #written = false;

  constructor(broker: Broker<P>, stream: Duplex, info: ConnectionInfo) {
    this.broker = broker;
    this.info = info;
    this.#stream = stream;
    this.frames = new FrameReader(broker.limits.maxConnectSize, 'maxConnectSize');
    const { journal } = broker;
    this.outbox = new Outbox(stream, {
      onWritten: () => this.#onWritten(),
      gate: journal && ((write) => journal.afterCommit(write)),
    });
    this.#closed = new Promise((resolve) => {
      this.#markClosed = resolve;
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  get isHeld(): boolean {
    return this.#holds !== 0;
  }

  /** Resolves when the stream is closed, too. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  start(): void {
    const { broker } = this;
    broker.connections.add(this);
    this.#limitPending();
    broker.counters.connections += 1;
    this.#cancelTimer = broker.clock.after(broker.limits.connectTimeout, () => {
      const detail = `no accepted CONNECT within the connectTimeout of ${broker.limits.connectTimeout} ms`;
      const reasonCode = this.connectReceived ? REASON.serverBusy : REASON.protocolError;
      this.close({ reason: 'CLIENT_ERROR', detail, limit: 'connectTimeout', reasonCode });
    });
    this.#stream
      .on('data', this.#onData)
      .on('end', () => this.#onEnd())
      .on('error', (error: Error) => this.#lost(`the stream failed: ${error.message}`))
      .on('close', () => this.#onClose());
  }

  /** CONNECT was accepted: its timeout is over, and larger packets may come. */
  admit(client: Client<P>): void {
    this.client = client;
    this.broker.pending.delete(this);
    this.#cancelTimer();
    this.frames.maxFrame = this.broker.limits.maxPacketSize;
    this.frames.limit = 'maxPacketSize';
  }

  /** An answer that is too large for its client is the end: the client would wait for it [MQTT5-3.1.2-24]. */
  send(packet: Buffer): void {
    if (!this.#open) return;
    if (packet.length > this.maximumPacketSize) {
      const detail = `an answer of ${packet.length} bytes is larger than the client takes`;
      this.close({ reason: 'CLIENT_ERROR', detail, reasonCode: REASON.packetTooLarge });
      return;
    }
    this.outbox.write(packet);
    this.wrote();
  }

  /** PUBACK or another acknowledgement without a reason. */
  sendAck(first: number, packetId: number): void {
    if (!this.#open) return;
    const at = this.outbox.reserve(4);
    const { bytes } = this.outbox;
    bytes[at] = first;
    bytes[at + 1] = 2;
    bytes[at + 2] = packetId >> 8;
    bytes[at + 3] = packetId & 255;
    this.wrote();
  }

  /** Something was put into the outbox: it may be too much, and must be taken in time. */
  wrote(): void {
    if (this.outbox.pending > this.broker.limits.maxWriteBuffer && !(this.#holds & HOLD.writing)) {
      this.hold(HOLD.writing);
    }
    this.#watchForStall();
  }

  /** Stops reading until each reason to has been released. */
  hold(reason: number): void {
    this.#holds |= reason;
    this.#stream.pause();
  }

  release(reason: number): void {
    if (!(this.#holds & reason)) return;
    this.#holds &= ~reason;
    if (this.#holds !== 0 || !this.#open) return;
    this.#handleFrames();
    if (this.#holds !== 0 || !this.#open) return;
    if (this.#streamEnded) this.#lost('the client closed the connection');
    else this.#stream.resume();
  }

  /** Ends the connection for something that was thrown on its behalf. */
  fail(error: unknown): void {
    this.close(endingOf(error, this.broker.logger));
  }

  /** Ends the connection, once. */
  close(ending: Ending): void {
    if (!this.#open) return;
    this.#open = false;
    this.#cancelTimer();
    this.broker.counters.connections -= 1;
    this.broker.pending.delete(this);
    const goodbye = goodbyeOf(this, ending);
    if (goodbye) this.outbox.write(goodbye);
    this.client?.leave(ending);
    reportEnding(this, ending);
    if (ending.reason === 'CONNECTION_LOST') {
      this.outbox.abandon();
      this.#stream.destroy();
    } else this.#endStream();
  }

  /** Closes the stream without waiting for the peer. */
  destroy(): void {
    this.#stream.destroy();
  }

  /** What was sent gets out first; then the peer has a moment to see it, since a reset would take it away again. */
  #endStream(): void {
    this.#stream.off('data', this.#onData);
    this.outbox.end();
    this.#stream.resume();
    this.#cancelTimer = this.broker.clock.after(LINGER, () => this.destroy(), { unref: true });
  }

  readonly #onData = (chunk: Buffer): void => {
    if (!this.#open) return;
    if (!this.#begun && !this.#begin(chunk)) return;
    this.frames.push(chunk);
    if (this.#holds !== 0) return;
    if (this.broker.turn.take(chunk.length, this.#onTurn)) this.#handleFrames();
    else this.hold(HOLD.turn);
  };

  /** At the first byte: noise may announce a long packet, and is not worth the wait for it. */
  #begin(chunk: Buffer): boolean {
    this.#begun = true;
    if (chunk[0] === CONNECT_BYTE) return true;
    this.fail(mqttError('MQTT_PROTOCOL_VIOLATION', 'the first packet is not a CONNECT [MQTT-3.1.0-1]'));
    return false;
  }

  readonly #onTurn = (): void => this.release(HOLD.turn);

  #handleFrames(): void {
    try {
      const { frames } = this;
      let handled = false;
      while (this.#open && this.#holds === 0 && frames.advance()) {
        // Not at bytes that never become a packet.
        if (!handled) this.client?.keepAlive.touch();
        handled = true;
        if (this.client && handleFrequent(this.client, frames)) continue;
        this.#expectOneConnect(frames);
        handlePacket(this, parsePacket(frames.first, frames.body(), this.level));
      }
    } catch (error) {
      // Too large a CONNECT never comes whole, and still has said its level.
      if (!this.connectReceived && isCodedError(error, 'MQTT_LIMIT_EXCEEDED'))
        this.level = levelOfConnect(this.frames.begun()) ?? this.level;
      this.fail(error);
    }
  }

  /** The first packet says the level of all; a second CONNECT is none, whatever else is wrong with it. */
  #expectOneConnect(frames: FrameReader): void {
    if (!this.connectReceived) this.level = levelOfConnect(frames.body()) ?? 4;
    else if (frames.first === CONNECT_BYTE)
      throw mqttError('MQTT_PROTOCOL_VIOLATION', 'a second CONNECT [MQTT-3.1.0-2] [MQTT5-3.1.0-2]');
  }

  /** Those that have been silent longest make room for others, which may have something to say. */
  #limitPending(): void {
    const { pending, limits } = this.broker;
    pending.add(this);
    if (pending.size <= limits.maxPendingConnections) return;
    const silent = [...pending].find(({ connectReceived }) => !connectReceived);
    const detail = `more than the maxPendingConnections of ${limits.maxPendingConnections} wait for an accepted CONNECT`;
    silent?.close({ reason: 'THROTTLED', detail, limit: 'maxPendingConnections' });
  }

  #onEnd(): void {
    this.#streamEnded = true;
    if (!this.isHeld) this.#lost('the client closed the connection');
  }

  #onClose(): void {
    this.#lost('the stream closed');
    this.#cancelTimer();
    this.broker.connections.delete(this);
    this.#markClosed();
  }

  #lost(detail: string): void {
    this.close({ reason: 'CONNECTION_LOST', detail });
  }

  #onWritten(): void {
    if (!this.#open) return;
    this.#written = true;
    this.client?.session.queue.pump();
    this.client?.retainedFeeds.pump();
    if (this.outbox.pending <= this.broker.limits.maxWriteBuffer) this.release(HOLD.writing);
  }

  /** One timer at a time, and only while something is on its way out. */
  #watchForStall(): void {
    if (this.#stallWatched || !this.client) return;
    this.#stallWatched = true;
    this.#written = false;
    const { stallTimeout } = this.broker.limits;
    this.client.onStallCheck(stallTimeout, () => {
      this.#stallWatched = false;
      if (!this.#open || this.outbox.pending === 0) return;
      if (this.#written) {
        this.#watchForStall();
        return;
      }
      const detail = `the client took nothing of what was sent to it for the stallTimeout of ${stallTimeout} ms`;
      this.close({ reason: 'THROTTLED', detail, limit: 'stallTimeout' });
    });
  }
}
