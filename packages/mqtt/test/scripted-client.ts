import type { Duplex } from 'node:stream';
import { buildPacket, parsePacket } from '../src/codec/codec.ts';
import { FrameReader } from '../src/codec/frame-reader.ts';
import type {
  ConnackPacket,
  ConnectPacket,
  Packet,
  ProtocolLevel,
  PublishPacket,
  Qos,
} from '../src/codec/packets.ts';

/** A client that does exactly what a test tells it to, and remembers what it was sent. */
export class ScriptedClient {
  readonly stream: Duplex;
  /** What came and was not asked for yet. */
  readonly inbox: Packet[] = [];
  /** Number of chunks that came: one for each write of the server. */
  chunks = 0;
  /** Follows the CONNECT that it sends. */
  level: ProtocolLevel = 4;
  /** True once the server has closed the connection. */
  ended = false;
  readonly #frames = new FrameReader(Number.POSITIVE_INFINITY, 'none');

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on('data', (chunk: Buffer) => this.#take(chunk));
    stream.on('error', () => undefined);
    for (const event of ['end', 'close']) {
      stream.on(event, () => {
        this.ended = true;
      });
    }
  }

  send(...packets: Packet[]): void {
    for (const packet of packets) if (packet.type === 'connect') this.level = packet.protocolLevel;
    this.sendBytes(Buffer.concat(packets.map((packet) => buildPacket(packet, this.level))));
  }

  sendBytes(bytes: Buffer | number[]): void {
    this.stream.write(Buffer.from(bytes));
  }

  publish(topic: string, payload: string, options: Partial<PublishPacket> = {}): void {
    const bytes = Buffer.from(payload);
    this.send({
      type: 'publish',
      topic,
      payload: bytes,
      qos: 0,
      dup: false,
      retain: false,
      packetId: 0,
      ...options,
    });
  }

  subscribe(packetId: number, ...filters: [string, Qos][]): void {
    this.send({
      type: 'subscribe',
      packetId,
      subscriptions: filters.map(([filter, qos]) => ({ filter, qos })),
    });
  }

  ack(packetId: number): void {
    this.send({ type: 'puback', packetId });
  }

  /** The next packet; fails when none comes within some loop turns. */
  async next(): Promise<Packet> {
    for (let turn = 0; turn < 200; turn += 1) {
      const packet = this.inbox.shift();
      if (packet) return packet;
      await new Promise((resolve) => setImmediate(resolve));
    }
    throw new Error(this.ended ? 'the server closed the connection' : 'the server sent nothing');
  }

  async nextPublish(): Promise<PublishPacket> {
    const packet = await this.next();
    if (packet.type !== 'publish') throw new Error(`a ${packet.type} came where a publish was expected`);
    return packet;
  }

  async nextOf<T extends Packet['type']>(type: T): Promise<Packet & { type: T }> {
    const packet = await this.next();
    if (packet.type !== type) throw new Error(`a ${packet.type} came where a ${type} was expected`);
    return packet as Packet & { type: T };
  }

  /** Sends CONNECT and returns the CONNACK. */
  async connect(options: Partial<ConnectPacket> = {}): Promise<ConnackPacket> {
    this.send(connectPacket(options));
    const packet = await this.next();
    if (packet.type !== 'connack') throw new Error(`a ${packet.type} came where a connack was expected`);
    return packet;
  }

  /** Resolves when the server has closed the connection. */
  async end(): Promise<void> {
    for (let turn = 0; turn < 200 && !this.ended; turn += 1) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!this.ended) throw new Error('the server did not close the connection');
  }

  /** Goes without a word. */
  vanish(): void {
    this.stream.destroy();
  }

  #take(chunk: Buffer): void {
    this.chunks += 1;
    this.#frames.push(chunk);
    for (let frame = this.#frames.next(); frame; frame = this.#frames.next()) {
      this.inbox.push(parsePacket(frame.first, frame.body, this.level));
    }
  }
}

export function connectPacket(options: Partial<ConnectPacket> = {}): ConnectPacket {
  return {
    type: 'connect',
    protocolLevel: 4,
    clientId: 'device',
    cleanSession: true,
    keepAlive: 60,
    ...options,
  };
}
