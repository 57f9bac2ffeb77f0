import { crc32 } from 'node:zlib';

/**
 * The files are rows of frames. A frame is written whole by one write and made durable by one sync, and none is begun
 * before the one in front of it is durable: so a frame that is damaged with another behind it was damaged later, while
 * a damaged last one was torn by a power cut and never acknowledged. Zeros behind the last frame of a journal are room for
 * the next ones.
 *
 * Header, little endian: magic (4 bytes that UTF-8 text never holds), payload length (4), frame number (6), kind (2),
 * CRC-32 of the payload (4), CRC-32 of the header so far (4).
 */
const MAGIC = Buffer.from([0xf5, 0x49, 0xff, 0x4a]);
export const FRAME_HEADER_SIZE = 24;

export const FRAME_KINDS = { head: 1, operations: 2, end: 3 } as const;
export type FrameKind = keyof typeof FRAME_KINDS;

const KIND_NAMES = new Map<number, FrameKind>(
  Object.entries(FRAME_KINDS).map(([name, number]) => [number, name as FrameKind]),
);

export interface Frame {
  readonly kind: FrameKind;
  /** Grows by one from frame to frame, on through the journals of a database. */
  readonly number: number;
  /** UTF-8 text, a view of the file's bytes. */
  readonly payload: Buffer;
  readonly offset: number;
}

export function encodeFrame(kind: FrameKind, number: number, payload: string): Buffer {
  const length = Buffer.byteLength(payload);
  const frame = Buffer.allocUnsafe(FRAME_HEADER_SIZE + length);
  frame.write(payload, FRAME_HEADER_SIZE);
  MAGIC.copy(frame);
  frame.writeUInt32LE(length, 4);
  frame.writeUIntLE(number, 8, 6);
  frame.writeUInt16LE(FRAME_KINDS[kind], 14);
  frame.writeUInt32LE(crc32(frame.subarray(FRAME_HEADER_SIZE)), 16);
  frame.writeUInt32LE(crc32(frame.subarray(0, 20)), 20);
  return frame;
}

/** The frame at this offset, or undefined when there is no whole one. */
export function readFrame(bytes: Buffer, offset: number): Frame | undefined {
  const header = readHeader(bytes, offset);
  if (!header) return undefined;
  const start = offset + FRAME_HEADER_SIZE;
  const payload = bytes.subarray(start, start + header.length);
  if (payload.length < header.length || crc32(payload) !== header.checksum) return undefined;
  return { kind: header.kind, number: header.number, payload, offset };
}

/** True of room for frames that were not written yet, and of no bytes at all. */
export function isRoom(bytes: Uint8Array): boolean {
  if (bytes.length === 0) return true;
  // Each byte is as the one before it: one call of the system's, where a loop over a megabyte, at each open, makes V8
  // optimize it, which costs an agent 3 MB.
  return bytes[0] === 0 && Buffer.compare(bytes.subarray(1), bytes.subarray(0, -1)) === 0;
}

export function readHeader(bytes: Buffer, offset: number) {
  if (offset + FRAME_HEADER_SIZE > bytes.length) return undefined;
  const header = bytes.subarray(offset, offset + FRAME_HEADER_SIZE);
  if (!header.subarray(0, 4).equals(MAGIC) || crc32(header.subarray(0, 20)) !== header.readUInt32LE(20)) {
    return undefined;
  }
  const kind = KIND_NAMES.get(header.readUInt16LE(14));
  if (!kind) return undefined;
  return {
    kind,
    length: header.readUInt32LE(4),
    number: header.readUIntLE(8, 6),
    checksum: header.readUInt32LE(16),
  };
}

/** Where the next whole frame with a higher number begins, from `from` on. */
export function nextFrameAt(bytes: Buffer, from: number, last: number): number | undefined {
  for (let at = bytes.indexOf(MAGIC, from); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
    const frame = readFrame(bytes, at);
    if (frame && frame.number > last) return at;
  }
  return undefined;
}

/** Whether the header of a frame with a higher number lies anywhere behind `from`. */
export function hasLaterHeader(bytes: Buffer, from: number, last: number): boolean {
  for (let at = bytes.indexOf(MAGIC, from); at >= 0; at = bytes.indexOf(MAGIC, at + 1)) {
    const header = readHeader(bytes, at);
    if (header && header.number > last) return true;
  }
  return false;
}
