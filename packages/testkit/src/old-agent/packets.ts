/** MQTT 3.1.1 as an Ioto 3.0 agent writes it, byte by byte; independent of the server's own codec. */

const KEEP_ALIVE_SECONDS = 1200;

/** Clean session 0, no user, no password, no will. [MQTT-3.1] */
export function connectPacket(clientId: string): Buffer {
  const variable = Buffer.from([
    0,
    4,
    0x4d,
    0x51,
    0x54,
    0x54,
    4,
    0,
    KEEP_ALIVE_SECONDS >> 8,
    KEEP_ALIVE_SECONDS & 0xff,
  ]);
  return packet(0x10, variable, text(clientId));
}

/** One filter a packet, QoS 1. [MQTT-3.8] */
export function subscribePacket(packetId: number, filter: string): Buffer {
  return packet(0x82, uint16(packetId), text(filter), Buffer.from([1]));
}

/** [MQTT-3.3]; a packet ID makes it QoS 1, none QoS 0. */
export function publishPacket(topic: string, payload: string, packetId?: number): Buffer {
  const body = Buffer.from(payload);
  if (packetId === undefined) return packet(0x30, text(topic), body);
  return packet(0x32, text(topic), uint16(packetId), body);
}

/** [MQTT-3.4] */
export function pubackPacket(packetId: number): Buffer {
  return packet(0x40, uint16(packetId));
}

function packet(first: number, ...parts: Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([Buffer.from([first]), remainingLength(length), ...parts]);
}

function remainingLength(length: number): Buffer {
  const bytes: number[] = [];
  let rest = length;
  do {
    const more = rest > 127 ? 0x80 : 0;
    bytes.push((rest & 0x7f) | more);
    rest >>= 7;
  } while (rest > 0);
  return Buffer.from(bytes);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([uint16(bytes.length), bytes]);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}
