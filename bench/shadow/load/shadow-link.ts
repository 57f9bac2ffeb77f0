import { once } from 'node:events';
import { connect, type TLSSocket } from 'node:tls';
import { shadowTopic } from '@ioto/protocol';
import { PacketScanner, packetIdOf } from '../../mqtt/load/packet-scanner.ts';
import { connectPacket, pubackPacket, publishPacket, subscribePacket } from '../../mqtt/load/wire.ts';
import type { DeviceKeys } from '../../sync/load/device-link.ts';

const SUBACK = 9;
const PUBLISH = 3;

/** A device's connection, mutual TLS, that updates its shadow and hears only what became of that. */
export class ShadowLink {
  readonly #socket: TLSSocket;
  readonly #topic: string;
  readonly #subscribed: Promise<void>;
  /** Told of each answer: whether the update was accepted. */
  answered: (accepted: boolean) => void = () => undefined;

  private constructor(socket: TLSSocket, deviceId: string) {
    this.#socket = socket;
    this.#topic = shadowTopic.request(deviceId, undefined, 'update');
    let subacks = 0;
    let subscribed: () => void = () => undefined;
    this.#subscribed = new Promise((resolve) => {
      subscribed = resolve;
    });
    const scanner = new PacketScanner((first, bytes, body, end) => {
      if (first >> 4 === SUBACK && ++subacks === 2) subscribed();
      if (first >> 4 !== PUBLISH) return;
      const packet = bytes.subarray(body, end);
      if (first & 6) socket.write(pubackPacket(packetIdOf(packet, 0)));
      const topic = packet.toString('latin1', 2, 2 + packet.readUInt16BE(0));
      this.answered(topic.endsWith('/accepted'));
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk) => scanner.push(chunk));
    socket.on('error', () => undefined);
  }

  static async open({ port, authority, certificate, key, deviceId }: DeviceKeys): Promise<ShadowLink> {
    const names = { host: '127.0.0.1', port, servername: 'localhost', ALPNProtocols: ['x-amzn-mqtt-ca'] };
    const socket = connect({ ...names, ca: authority, cert: certificate, key });
    await once(socket, 'secureConnect');
    const link = new ShadowLink(socket, deviceId);
    socket.write(connectPacket(deviceId));
    for (const news of ['accepted', 'rejected'] as const) {
      socket.write(subscribePacket(shadowTopic.news(deviceId, undefined, 'update', news), 1));
    }
    await link.#subscribed;
    return link;
  }

  /** Asks for an update of a few values, as a sensor does. */
  update(n: number): void {
    const state = { reported: { temperature: n % 100, humidity: 40 + (n % 7), door: { open: n % 2 === 0 } } };
    const payload = Buffer.from(JSON.stringify({ state, clientToken: String(n) }));
    this.#socket.write(publishPacket({ topic: this.#topic, payload }));
  }

  async close(): Promise<void> {
    this.#socket.end(Buffer.from([0xe0, 0]));
    await once(this.#socket, 'close');
  }
}
