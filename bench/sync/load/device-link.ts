import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { SYNC_ABILITIES, SYNC_HELLO, serviceTopic } from '@ioto/protocol';
import { PacketScanner, packetIdOf } from '../../mqtt/load/packet-scanner.ts';
import { connectPacket, pubackPacket, publishPacket, subscribePacket } from '../../mqtt/load/wire.ts';

/** A device that may connect: its keys, and where to. */
export interface DeviceKeys {
  deviceId: string;
  accountId: string;
  port: number;
  authority: string;
  certificate: string;
  key: string;
}

const CONNACK = 0x20;
const SUBACK = 0x90;
const PUBACK = 0x40;
/** Stands for the answer to a hello, which is a message like others. */
const HELLO = -1;

/** A device's connection, mutual TLS, as little between it and the socket as can be. */
export class DeviceLink {
  readonly socket: TLSSocket;
  /** Changes that a SYNC says are durable; `all` for a whole batch. */
  onSync: (seq: number, changes: number | 'all') => void = () => undefined;
  onPuback: (packetId: number) => void = () => undefined;
  readonly #deviceId: string;
  #answered: (first: number) => void = () => undefined;

  private constructor(socket: TLSSocket, deviceId: string) {
    this.socket = socket;
    this.#deviceId = deviceId;
    const scanner = new PacketScanner((first, bytes, body, end) => {
      if (first === CONNACK || first === SUBACK) this.#answered(first);
      else if (first === PUBACK) this.onPuback(((bytes[body] as number) << 8) | (bytes[body + 1] as number));
      else if (first >> 4 === 3) this.#published(first, bytes.subarray(body, end));
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk) => scanner.push(chunk));
    socket.on('error', () => undefined);
  }

  static async open({ port, authority, certificate, key, deviceId }: DeviceKeys): Promise<DeviceLink> {
    const names = { host: '127.0.0.1', port, servername: 'localhost', ALPNProtocols: ['x-amzn-mqtt-ca'] };
    const socket = connect({ ...names, ca: authority, cert: certificate, key });
    await once(socket, 'secureConnect');
    const link = new DeviceLink(socket, deviceId);
    await link.#exchange(connectPacket(deviceId), CONNACK);
    await link.#exchange(subscribePacket(`ioto/device/${deviceId}/#`, 1), SUBACK);
    return link;
  }

  /** Agrees with the cloud on all that it offers, for this connection. */
  async hello(): Promise<void> {
    const words = {
      v: 1,
      can: SYNC_ABILITIES,
      schema: 'bench',
      generation: this.#deviceId,
      latest: 0,
      pending: 0,
    };
    const topic = serviceTopic.request(this.#deviceId, SYNC_HELLO, '1');
    await this.#exchange(publishPacket({ topic, payload: Buffer.from(JSON.stringify(words)) }), HELLO);
  }

  /** Resolves when the server has closed the connection too. */
  async close(): Promise<void> {
    this.socket.end(Buffer.from([0xe0, 0]));
    await once(this.socket, 'close');
  }

  #published(first: number, body: Buffer): void {
    const start = 2 + body.readUInt16BE(0);
    if (first & 6) this.socket.write(pubackPacket(packetIdOf(body, 0)));
    const topic = body.toString('latin1', 2, start);
    if (topic.endsWith(`/${SYNC_HELLO}/1`)) this.#answered(HELLO);
    if (!topic.endsWith('/sync/SYNC')) return;
    const ack = JSON.parse(body.toString('utf8', start + (first & 6 ? 2 : 0)));
    this.onSync(ack.seq, ack.all === true ? 'all' : ack.keys.length);
  }

  async #exchange(packet: Buffer, answer: number): Promise<void> {
    const answered = new Promise<void>((resolve, reject) => {
      const closed = () => reject(new Error('the server closed the connection'));
      this.socket.once('close', closed);
      this.#answered = (first) => {
        if (first !== answer) return;
        this.socket.off('close', closed);
        resolve();
      };
    });
    this.socket.write(packet);
    await answered;
  }
}
