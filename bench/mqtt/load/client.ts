import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext, type TLSSocket } from 'node:tls';
import { type OnPacket, PacketScanner } from './packet-scanner.ts';
import { connectPacket, subscribePacket } from './wire.ts';

/** Where the server under the bench listens, and what TLS needs. */
export interface Target {
  tcp: number;
  tls: number;
  authority: string;
  certificate: string;
  key: string;
  /** Processes that the server consists of. */
  pids: number[];
}

export type Transport = 'tcp' | 'tls';

const CONNACK = 0x20;
const SUBACK = 0x90;

let context: SecureContext | undefined;

export function dialTls({ tls, authority, certificate, key }: Target): TLSSocket {
  context ??= createSecureContext({ ca: authority, cert: certificate, key });
  return connectTls({
    port: tls,
    host: '127.0.0.1',
    servername: 'localhost',
    secureContext: context,
    ALPNProtocols: ['mqtt'],
  });
}

/** A connection of MQTT 3.1.1 with as little between it and the socket as can be. */
export class LoadClient {
  readonly socket: Socket;
  /** Takes every packet after CONNACK and SUBACK. */
  onPacket: OnPacket = () => undefined;
  /** Called behind the packets of each chunk. */
  onChunk: () => void = () => undefined;
  #awaited: number | undefined;
  #arrived: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.socket = socket;
    const scanner = new PacketScanner((first, bytes, body, end) => {
      if (first === this.#awaited) {
        this.#awaited = undefined;
        this.#arrived();
      } else this.onPacket(first, bytes, body, end);
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      scanner.push(chunk);
      this.onChunk();
    });
    socket.on('error', () => undefined);
  }

  static async open(
    target: Target,
    transport: Transport,
    clientId: string,
    { cleanSession = true, onPacket }: { cleanSession?: boolean; onPacket?: OnPacket } = {},
  ): Promise<LoadClient> {
    const socket = transport === 'tls' ? dialTls(target) : connectTcp(target.tcp, '127.0.0.1');
    await once(socket, transport === 'tls' ? 'secureConnect' : 'connect');
    const client = new LoadClient(socket);
    if (onPacket) client.onPacket = onPacket;
    await client.#exchange(connectPacket(clientId, cleanSession), CONNACK);
    return client;
  }

  async subscribe(filter: string, qos: 0 | 1): Promise<void> {
    await this.#exchange(subscribePacket(filter, qos), SUBACK);
  }

  async close(): Promise<void> {
    if (this.socket.destroyed) return;
    this.socket.end(Buffer.from([0xe0, 0]));
    this.socket.resume();
    await once(this.socket, 'close');
  }

  async #exchange(packet: Buffer, answer: number): Promise<void> {
    const { socket } = this;
    const arrived = new Promise<void>((resolve, reject) => {
      const closed = () => reject(new Error('the server closed the connection'));
      socket.once('close', closed);
      this.#awaited = answer;
      this.#arrived = () => {
        socket.off('close', closed);
        resolve();
      };
    });
    socket.write(packet);
    await arrived;
  }
}
