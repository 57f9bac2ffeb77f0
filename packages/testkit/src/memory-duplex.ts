import { Duplex } from 'node:stream';

/** One end of an in-memory connection. */
class MemoryEnd extends Duplex {
  peer: MemoryEnd | undefined;
  #onRead: (() => void) | undefined;

  override _read(): void {
    const resume = this.#onRead;
    this.#onRead = undefined;
    resume?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const peer = this.peer;
    if (!peer || peer.destroyed) {
      callback(Object.assign(new Error('write after the other end closed'), { code: 'EPIPE' }));
      return;
    }
    // Backpressure: like a socket, take no more until the other end reads.
    if (peer.push(Buffer.from(chunk))) setImmediate(callback);
    else peer.#onRead = () => callback();
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.peer?.push(null);
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const peer = this.peer;
    this.peer = undefined;
    if (peer && !peer.destroyed) setImmediate(() => peer.destroy());
    callback(error);
  }
}

/** Two connected streams in memory: what is written to one is read from the other, with backpressure. */
export function memoryConnection(): [Duplex, Duplex] {
  const left = new MemoryEnd();
  const right = new MemoryEnd();
  left.peer = right;
  right.peer = left;
  return [left, right];
}
