import { type Duplex, Writable } from 'node:stream';

/**
 * What the core sends first on a connection whose client takes only one packet in each read: no packet of MQTT and no
 * answer of HTTP begins with it.
 */
export const APART = 0;

/**
 * Carries what the core says to the peer. The socket between the processes joins what was written apart; where the core asks
 * for it by its first byte, each MQTT packet is written by itself, when the one before has been taken (Ioto contract §10).
 */
export function carryToPeer(core: Duplex, peer: Duplex): void {
  let begun = false;
  core.once('data', (first: Buffer) => {
    begun = true;
    core.pause();
    const apart = first[0] === APART;
    const rest = apart ? first.subarray(1) : first;
    if (rest.length > 0) core.unshift(rest);
    core.pipe(apart ? new PacketByPacket(peer) : peer);
  });
  core.once('end', () => {
    if (!begun) peer.end();
  });
}

/** Cuts a stream of MQTT packets up again (2.1). */
class PacketByPacket extends Writable {
  readonly #peer: Duplex;
  #rest: Buffer = Buffer.alloc(0);

  constructor(peer: Duplex) {
    super();
    this.#peer = peer;
    peer.once('close', () => this.destroy());
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    this.#writeNext(callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#peer.end(this.#rest);
    callback();
  }

  #writeNext(callback: (error?: Error | null) => void): void {
    const length = packetLength(this.#rest);
    if (length === undefined || length > this.#rest.length) {
      callback();
      return;
    }
    const packet = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    this.#peer.write(packet, (error) => {
      // The peer ends by itself, and with it the connection.
      if (error) this.destroy();
      else this.#writeNext(callback);
    });
  }
}

/** Bytes of the packet that begins here (2.2.3); undefined while they do not say it. */
function packetLength(bytes: Buffer): number | undefined {
  let length = 0;
  for (let at = 1; at < Math.min(bytes.length, 5); at += 1) {
    const byte = bytes[at] as number;
    length |= (byte & 0x7f) << (7 * (at - 1));
    if (byte < 0x80) return at + 1 + length;
  }
  return undefined;
}
