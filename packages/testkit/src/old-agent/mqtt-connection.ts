import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type Clock, CodedError } from '@ioto/runtime';
import { broken, type IncomingPacket, PacketReader } from './packet-reader.ts';
import { connectPacket, pubackPacket, publishPacket, subscribePacket } from './packets.ts';

/** Milliseconds of silence after which the agent drops the connection. */
export const SILENCE = 60_000;

export type CloseReason = 'silence' | 'lost' | 'refused' | 'released' | 'stopped' | 'broke';

export interface MqttConnectionOptions {
  host: string;
  port: number;
  id: string;
  /** PEM; only its first certificate is presented. */
  certificate: string;
  key: string;
  /** PEM of the authorities trusted for MQTT. */
  authority: string;
  /** Milliseconds that the agent takes over one message before it answers. */
  answerTime: number;
  clock: Clock;
  /** False: this message gets no PUBACK. */
  onMessage(topic: string, payload: string): boolean;
  onClose(reason: CloseReason, error?: unknown): void;
}

/** One MQTT connection as an Ioto 3.0 agent keeps it. It has no DISCONNECT and no PING. */
export class MqttConnection {
  readonly #options: MqttConnectionOptions;
  readonly #reader = new PacketReader();
  readonly #unacknowledged = new Map<number, () => void>();
  #socket: TLSSocket | undefined;
  #packetId = 0;
  #answering = false;
  #cancelSilence: () => void = () => undefined;
  #closed = false;
  #settle: { resolve(sessionPresent: boolean): void; reject(error: unknown): void } | undefined;
  /** Return codes of SUBACK, in order of arrival. */
  readonly granted: number[] = [];

  constructor(options: MqttConnectionOptions) {
    this.#options = options;
  }

  /** Resolves at CONNACK 0 with "session present". Rejects with MQTT_REFUSED or the socket's error. */
  connect(): Promise<boolean> {
    const { host, port, id, certificate, key, authority } = this.#options;
    const socket = connectTls({
      host,
      port,
      servername: host,
      ca: authority,
      cert: firstCertificate(certificate),
      key,
      ALPNProtocols: ['x-amzn-mqtt-ca'],
    });
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.once('secureConnect', () => this.#write(connectPacket(id)));
    socket.on('data', (read: Buffer) => this.#read(read));
    socket.on('error', (error) => this.#close('lost', error));
    socket.on('close', () => this.#close('lost'));
    this.#armSilence();
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  subscribe(filter: string): void {
    this.#write(subscribePacket(this.#nextPacketId(), filter));
  }

  /** Resolves at the PUBACK; never, when the connection ends before. */
  publish(topic: string, payload: string): Promise<void> {
    const packetId = this.#nextPacketId();
    const acknowledged = new Promise<void>((resolve) => this.#unacknowledged.set(packetId, resolve));
    this.#write(publishPacket(topic, payload, packetId));
    return acknowledged;
  }

  /** Drops the connection without a word, as a power cut does. */
  drop(reason: CloseReason = 'stopped'): void {
    this.#close(reason);
  }

  #read(read: Buffer): void {
    this.#armSilence();
    try {
      for (const packet of this.#reader.push(read)) this.#handle(packet);
    } catch (error) {
      this.#close('broke', error);
    }
  }

  #handle(packet: IncomingPacket): void {
    if (packet.type === 'connack') this.#onConnack(packet.returnCode, packet.sessionPresent);
    else if (packet.type === 'suback') this.granted.push(packet.returnCode);
    else if (packet.type === 'puback') {
      this.#unacknowledged.get(packet.packetId)?.();
      this.#unacknowledged.delete(packet.packetId);
    } else if (packet.type === 'publish') this.#onPublish(packet);
  }

  #onConnack(returnCode: number, sessionPresent: boolean): void {
    if (returnCode === 0) {
      this.#settle?.resolve(sessionPresent);
      this.#settle = undefined;
      return;
    }
    this.#close('refused', new CodedError('MQTT_REFUSED', `CONNACK with return code ${returnCode}`));
  }

  #onPublish({ topic, payload, packetId }: IncomingPacket & { type: 'publish' }): void {
    if (this.#answering) throw broken(`${topic} came before the message before it was answered`);
    this.#answering = true;
    this.#options.clock.after(this.#options.answerTime, () => {
      this.#answering = false;
      if (this.#closed) return;
      const answers = this.#options.onMessage(topic, payload);
      if (answers && packetId !== undefined) this.#write(pubackPacket(packetId));
    });
  }

  #write(bytes: Buffer): void {
    if (this.#closed) return;
    this.#armSilence();
    this.#socket?.write(bytes);
  }

  #armSilence(): void {
    this.#cancelSilence();
    this.#cancelSilence = this.#options.clock.after(SILENCE, () => this.#close('silence'));
  }

  #close(reason: CloseReason, error?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelSilence();
    this.#socket?.destroy();
    this.#settle?.reject(
      error ?? new CodedError('MQTT_LOST', `the connection ended before CONNACK: ${reason}`),
    );
    this.#settle = undefined;
    this.#options.onClose(reason, error);
  }

  #nextPacketId(): number {
    this.#packetId = (this.#packetId % 0xffff) + 1;
    return this.#packetId;
  }
}

/** Ioto 3.0 reads no chain: what follows the first certificate is lost. */
export function firstCertificate(pem: string): string {
  const end = '-----END CERTIFICATE-----';
  const at = pem.indexOf(end);
  return at < 0 ? pem : `${pem.slice(0, at + end.length)}\n`;
}
