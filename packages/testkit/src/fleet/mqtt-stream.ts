import type { Duplex } from 'node:stream';

export type Incoming =
  | { type: 'connack'; returnCode: number }
  | { type: 'suback' }
  | { type: 'puback'; packetId: number }
  | { type: 'publish'; topic: string; payload: Buffer; packetId: number | undefined }
  | { type: 'other'; first: number };

/** Cuts a stream into MQTT 3.1.1 packets: just enough of a client to load a server without being the bottleneck. */
export function readPackets(stream: Duplex, onPacket: (packet: Incoming) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const frame = frameAt(rest);
      if (!frame) return;
      onPacket(parse(rest, frame.body, frame.end));
      rest = rest.subarray(frame.end);
    }
  });
}

function frameAt(bytes: Buffer): { body: number; end: number } | undefined {
  let length = 0;
  for (let at = 1, shift = 0; at < bytes.length && at < 5; at += 1, shift += 7) {
    const byte = bytes[at] ?? 0;
    length |= (byte & 0x7f) << shift;
    if (byte & 0x80) continue;
    const end = at + 1 + length;
    return end <= bytes.length ? { body: at + 1, end } : undefined;
  }
  return undefined;
}

function parse(bytes: Buffer, body: number, end: number): Incoming {
  const first = bytes[0] ?? 0;
  switch (first >> 4) {
    case 2:
      return { type: 'connack', returnCode: bytes[body + 1] ?? 255 };
    case 3: {
      const topicEnd = body + 2 + bytes.readUInt16BE(body);
      const hasId = (first & 0x06) !== 0;
      return {
        type: 'publish',
        topic: bytes.toString('latin1', body + 2, topicEnd),
        payload: bytes.subarray(hasId ? topicEnd + 2 : topicEnd, end),
        packetId: hasId ? bytes.readUInt16BE(topicEnd) : undefined,
      };
    }
    case 4:
      return { type: 'puback', packetId: bytes.readUInt16BE(body) };
    case 9:
      return { type: 'suback' };
    default:
      return { type: 'other', first };
  }
}
