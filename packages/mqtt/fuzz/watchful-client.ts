import assert from 'node:assert/strict';
import type { Duplex } from 'node:stream';
import { isCodedError } from '@ioto/runtime';
import { buildPacket, parsePacket } from '../src/codec/codec.ts';
import { levelOfConnect } from '../src/codec/connect.ts';
import { FrameReader } from '../src/codec/frame-reader.ts';
import type { AckPacket, Packet, ProtocolLevel, PublishPacket } from '../src/codec/packets.ts';
import type { Properties } from '../src/codec/properties.ts';

/** Reason codes from here on are failures (5.0, 2.4). */
const FAILURE = 0x80;

/** A client that sends whatever it is given, and holds the server to the standard in all that it sends. */
export class WatchfulClient {
  /** What the server did wrong. */
  readonly faults: unknown[] = [];
  readonly publishes: PublishPacket[] = [];
  /** True once the server has closed the connection. */
  ended = false;
  readonly #stream: Duplex;
  readonly #sent = new FrameReader(Number.POSITIVE_INFINITY, 'none');
  readonly #received = new FrameReader(Number.POSITIVE_INFINITY, 'none');
  #level: ProtocolLevel | undefined;
  /** By its CONNECT. */
  #asked: Properties | undefined;
  #welcomed = false;
  #last: Packet | undefined;
  /** What the server waits for, by packet identifier. */
  readonly #unanswered = new Map<number, AckPacket['type']>();
  /** How many answers of a kind, to a packet identifier, may still come. */
  readonly #awaited = new Map<string, number>();
  /** What was sent last is nothing that a server would understand. */
  #confused = false;
  readonly #aliases = new Map<number, string>();

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => this.#watch(() => this.#take(chunk)));
    stream.on('error', () => undefined);
    stream.on('end', () => {
      this.ended = true;
    });
    stream.on('close', () => {
      this.ended = true;
    });
  }

  send(bytes: Buffer): void {
    if (this.#stream.destroyed || this.#stream.writableEnded) return;
    this.#note(bytes);
    this.#stream.write(bytes);
  }

  /** Answers all that waits for an answer, as a good client does. */
  acknowledge(): void {
    for (const [packetId, type] of [...this.#unanswered]) {
      this.send(buildPacket({ type, packetId }, this.#level ?? 4));
    }
  }

  stall(): void {
    this.#stream.pause();
  }

  readOn(): void {
    this.#stream.resume();
  }

  end(): void {
    this.#stream.end();
  }

  vanish(): void {
    this.#stream.destroy();
  }

  /** What the server is asked, as far as it can be understood; whatever comes after that, the server will not handle. */
  #note(bytes: Buffer): void {
    if (this.#confused) return;
    try {
      this.#sent.push(Buffer.from(bytes));
      for (let frame = this.#sent.next(); frame; frame = this.#sent.next()) {
        if (this.#level === undefined) this.#level = formOf(frame.body);
        this.#noteRequest(parsePacket(frame.first, frame.body, this.#level));
      }
      // Too large a CONNECT is refused before it has come.
      this.#level ??= levelOfConnect(this.#sent.begun());
    } catch {
      this.#confused = true;
    }
  }

  #noteRequest(packet: Packet): void {
    // A second CONNECT is a violation, and asks nothing.
    if (packet.type === 'connect') this.#asked ??= packet.properties ?? {};
    else if (packet.type === 'publish') {
      if (packet.qos > 0) this.#ask(packet.qos === 1 ? 'puback' : 'pubrec', packet.packetId);
    } else if (packet.type === 'pubrec') {
      if (this.#unanswered.get(packet.packetId) !== 'pubrec') return;
      if ((packet.reasonCode ?? 0) >= FAILURE) this.#unanswered.delete(packet.packetId);
      else this.#unanswered.set(packet.packetId, 'pubcomp');
    } else if (packet.type === 'puback' || packet.type === 'pubcomp') {
      if (this.#unanswered.get(packet.packetId) === packet.type) this.#unanswered.delete(packet.packetId);
    } else if (packet.type === 'pubrel') this.#ask('pubcomp', packet.packetId);
    else if (packet.type === 'subscribe') this.#ask('suback', packet.packetId);
    else if (packet.type === 'unsubscribe') this.#ask('unsuback', packet.packetId);
    else if (packet.type === 'pingreq') this.#ask('pingresp', 0);
  }

  #ask(answer: Packet['type'], packetId: number): void {
    const key = `${answer} ${packetId}`;
    this.#awaited.set(key, (this.#awaited.get(key) ?? 0) + 1);
  }

  /** An answer with the identifier of what it answers [MQTT-2.3.1-6] [MQTT-2.3.1-7], and one for each. */
  #checkAnswer(answer: Packet['type'], packetId: number): void {
    const key = `${answer} ${packetId}`;
    const left = (this.#awaited.get(key) ?? 0) - 1;
    assert.ok(left >= 0, `a ${answer} that nothing asked for`);
    this.#awaited.set(key, left);
  }

  #watch(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.faults.push(error);
    }
  }

  #take(chunk: Buffer): void {
    this.#received.push(chunk);
    for (let frame = this.#received.next(); frame; frame = this.#received.next()) {
      const { maximumPacketSize = Number.POSITIVE_INFINITY } = this.#asked ?? {};
      const packet = parsePacket(frame.first, frame.body, this.#level ?? 4);
      assert.ok(frame.size <= maximumPacketSize, `a ${packet.type} beyond the packet size [MQTT5-3.1.2-24]`);
      this.#check(packet);
      this.#last = packet;
    }
  }

  #check(packet: Packet): void {
    assert.notEqual(this.#last?.type, 'disconnect', 'something after DISCONNECT [MQTT5-3.14.4-1]');
    if (packet.type === 'connack') {
      assert.equal(this.#last, undefined, 'a CONNACK that is not the first packet [MQTT5-3.2.0-2]');
      this.#welcomed = packet.returnCode === 0;
      return;
    }
    assert.ok(this.#welcomed, `a ${packet.type} without an accepting CONNACK [MQTT5-3.2.0-1]`);
    if (packet.type === 'publish') this.#checkPublish(packet);
    else if (packet.type === 'pubrel') this.#notePubrel(packet);
    else if (packet.type === 'pingresp') this.#checkAnswer('pingresp', 0);
    else if (packet.type !== 'disconnect') {
      assert.ok('packetId' in packet, `a ${packet.type} from the server`);
      this.#checkAnswer(packet.type, packet.packetId);
    }
  }

  /** Unasked only where a session goes on [MQTT-4.4.0-1]. With a failure it answers for a message that is not under way. */
  #notePubrel({ packetId, reasonCode = 0 }: AckPacket): void {
    if (reasonCode < FAILURE) this.#unanswered.set(packetId, 'pubcomp');
  }

  #checkPublish(packet: PublishPacket): void {
    const { topicAliasMaximum = 0, receiveMaximum = 65_535 } = this.#asked ?? {};
    const { topicAlias } = packet.properties ?? {};
    if (topicAlias !== undefined) {
      assert.ok(
        topicAlias > 0 && topicAlias <= topicAliasMaximum,
        'an alias beyond the maximum [MQTT5-3.1.2-26]',
      );
      if (packet.topic !== '') this.#aliases.set(topicAlias, packet.topic);
      packet.topic = this.#aliases.get(topicAlias) ?? '';
    }
    assert.match(packet.topic, /^[^#+\0]+$/, 'no topic name');
    if (packet.qos === 0) assert.ok(!packet.dup, 'DUP with QoS 0 [MQTT-3.3.1-2]');
    else this.#unanswered.set(packet.packetId, packet.qos === 1 ? 'puback' : 'pubrec');
    assert.ok(this.#unanswered.size <= receiveMaximum, 'more in flight than is taken [MQTT5-3.3.4-9]');
    this.publishes.push(packet);
  }
}

/** The form of the server's answers to a CONNECT, also to one that it refuses. */
function formOf(body: Buffer): ProtocolLevel {
  const level = levelOfConnect(body);
  if (level !== undefined) return level;
  try {
    parsePacket(0x10, body);
  } catch (error) {
    if (isCodedError(error, 'MQTT_PROTOCOL_LEVEL') && Number(error.details?.level) > 4) return 5;
  }
  return 4;
}
