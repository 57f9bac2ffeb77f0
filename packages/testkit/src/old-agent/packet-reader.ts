import { CodedError } from '@ioto/runtime';

/** The longest packet that an Ioto 3.0 agent survives, in bytes. */
export const LONGEST_PACKET = 4096;

export type IncomingPacket =
  | { type: 'connack'; sessionPresent: boolean; returnCode: number }
  | { type: 'publish'; topic: string; payload: string; qos: number; dup: boolean; packetId?: number }
  | { type: 'puback'; packetId: number }
  | { type: 'suback'; packetId: number; returnCode: number }
  | { type: 'pingresp' };

/** What an agent of the field dies of; a server that causes it harms a customer's device. */
export function broken(reason: string): CodedError {
  return new CodedError('OLD_AGENT_BROKE', `an Ioto 3.0 agent breaks here: ${reason}`);
}

/**
 * Cuts reads into packets, as fragile as the agent's own reader: packets over 4 KB, and two in one read, break it.
 *
 * @throws OLD_AGENT_BROKE
 */
export class PacketReader {
  #rest = Buffer.alloc(0);

  push(read: Buffer): IncomingPacket[] {
    this.#rest = Buffer.concat([this.#rest, read]);
    const packets: IncomingPacket[] = [];
    for (let frame = this.#frame(); frame; frame = this.#frame()) packets.push(parse(frame));
    if (packets.length > 1) {
      throw broken(`${packets.map(({ type }) => type).join(', ')} came in one write`);
    }
    return packets;
  }

  #frame(): Buffer | undefined {
    let length = 0;
    for (let index = 1, shift = 0; index < this.#rest.length; index += 1, shift += 7) {
      const byte = this.#rest[index] ?? 0;
      length |= (byte & 0x7f) << shift;
      if (byte & 0x80) continue;
      const size = index + 1 + length;
      if (size > LONGEST_PACKET) throw broken(`a packet of ${size} bytes, more than ${LONGEST_PACKET}`);
      if (this.#rest.length < size) return undefined;
      const frame = this.#rest.subarray(0, size);
      this.#rest = this.#rest.subarray(size);
      return frame;
    }
    return undefined;
  }
}

function parse(frame: Buffer): IncomingPacket {
  const first = frame[0] ?? 0;
  let at = 2;
  while ((frame[at - 1] ?? 0) & 0x80) at += 1;
  switch (first >> 4) {
    case 2:
      return { type: 'connack', sessionPresent: frame[at] === 1, returnCode: frame[at + 1] ?? 255 };
    case 3:
      return parsePublish(frame, first, at);
    case 4:
      return { type: 'puback', packetId: frame.readUInt16BE(at) };
    case 9:
      return { type: 'suback', packetId: frame.readUInt16BE(at), returnCode: frame[at + 2] ?? 255 };
    case 13:
      return { type: 'pingresp' };
    default:
      throw broken(`a packet of type ${first >> 4}`);
  }
}

function parsePublish(frame: Buffer, first: number, at: number): IncomingPacket {
  const topicEnd = at + 2 + frame.readUInt16BE(at);
  const topic = frame.toString('utf8', at + 2, topicEnd);
  const qos = (first >> 1) & 3;
  const start = qos > 0 ? topicEnd + 2 : topicEnd;
  return {
    type: 'publish',
    topic,
    payload: frame.toString('utf8', start),
    qos,
    dup: (first & 8) !== 0,
    ...(qos > 0 ? { packetId: frame.readUInt16BE(topicEnd) } : {}),
  };
}
