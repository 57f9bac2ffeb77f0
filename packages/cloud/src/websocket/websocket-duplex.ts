import { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

/** Close codes of RFC 6455, 7.4.1. */
const NORMAL = 1000;
const UNSUPPORTED_DATA = 1003;

/** Bytes on their way to a client that still asks for pongs; one that takes nothing is not answered for ever. */
const MOST_UNSENT = 256 * 1024;

/**
 * The bytes within a WebSocket's binary frames as a stream. MQTT packets may span frames or share one [MQTT-6.0.0-2];
 * what is written at once leaves in one frame. A text frame ends the connection [MQTT-6.0.0-1].
 */
export class WebSocketDuplex extends Duplex {
  readonly #socket: WebSocket;
  readonly #transport: Duplex;
  #saysWhy = false;

  /**
   * The socket is open, with `binaryType` `nodebuffer` and without answers to pings of its own; `transport` is the
   * connection below it.
   */
  constructor(socket: WebSocket, transport: Duplex) {
    super();
    this.#socket = socket;
    this.#transport = transport;
    socket
      .on('message', (bytes: Buffer, isBinary: boolean) => this.#onMessage(bytes, isBinary))
      .on('ping', (bytes: Buffer) => this.#onPing(bytes))
      .on('error', (error: Error) => this.#fail(error))
      .on('close', () => this.#onClose());
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#socket.send(chunk, callback);
  }

  /** The close frame comes after all that was written; behind it the end, because some clients wait for that. */
  override _final(callback: (error?: Error | null) => void): void {
    this.#socket.close(NORMAL);
    this.#transport.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.#saysWhy) this.#socket.terminate();
    callback(error);
  }

  #onMessage(bytes: Buffer, isBinary: boolean): void {
    if (this.destroyed || this.readableEnded) return;
    if (!isBinary) {
      this.#socket.close(UNSUPPORTED_DATA, 'MQTT comes in binary frames');
      this.#fail(new Error('a text frame, where MQTT needs binary ones [MQTT-6.0.0-1]'));
      return;
    }
    if (!this.push(bytes)) this.#socket.pause();
  }

  #onPing(bytes: Buffer): void {
    if (this.#socket.bufferedAmount <= MOST_UNSENT) this.#socket.pong(bytes);
    else this.destroy(new Error('the client sends pings but takes nothing'));
  }

  #onClose(): void {
    if (this.destroyed) return;
    this.push(null);
    this.end();
  }

  /** The close frame that says why is on its way; the socket ends when the client has answered it, or is late. */
  #fail(error: Error): void {
    this.#saysWhy = true;
    this.destroy(error);
  }
}
