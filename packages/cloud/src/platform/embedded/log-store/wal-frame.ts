import { crc32 } from 'node:zlib';
import type { LogEvent } from '../../../ports/log-store.ts';
import { columnsFor, type EventColumns, textBytes } from './event-columns.ts';

/**
 * What one put becomes in the write-ahead log. Little endian: magic (4 bytes that UTF-8 text never holds), bytes of the payload
 * (4), number of arrival of its first event (8, a double), number of its stream (4), how many events (4), CRC-32 of the
 * payload (4), CRC-32 of the header so far (4). The payload: times (doubles), ends of the texts (4 each), the texts.
 */
const MAGIC = Buffer.from([0xf6, 0x4c, 0xff, 0x57]);
const HEADER = 32;
const PER_EVENT = 12;

export interface Frame {
  bytes: Buffer;
  /** Its texts are a view of the bytes. */
  columns: EventColumns;
}

export function encodeFrame(stream: number, events: readonly LogEvent[], sequence: number): Frame {
  const texts = HEADER + events.length * PER_EVENT;
  const bytes = Buffer.allocUnsafe(texts + textBytes(events));
  const columns = columnsFor(events.length, bytes.subarray(texts));
  let end = 0;
  for (let i = 0; i < events.length; i += 1) {
    const { timestamp, message } = events[i] as LogEvent;
    end += bytes.write(message, texts + end);
    columns.times[i] = timestamp;
    columns.sequences[i] = sequence + i;
    columns.streams[i] = stream;
    columns.ends[i] = end;
    bytes.writeDoubleLE(timestamp, HEADER + i * 8);
    bytes.writeUInt32LE(end, HEADER + events.length * 8 + i * 4);
  }
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(bytes.length - HEADER, 4);
  bytes.writeDoubleLE(sequence, 8);
  bytes.writeUInt32LE(stream, 16);
  bytes.writeUInt32LE(events.length, 20);
  bytes.writeUInt32LE(crc32(bytes.subarray(HEADER)), 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28);
  return { bytes, columns };
}

export interface WalContent {
  parts: EventColumns[];
  /** Bytes up to the end of the last whole frame. */
  end: number;
  /** Bytes in front of whole frames that are none themselves: the file was damaged. */
  damaged: number;
}

/** All whole frames. Behind the last one there may be what a power cut has left of a write that nobody was told of. */
export function readFrames(bytes: Buffer): WalContent {
  const parts: EventColumns[] = [];
  let end = 0;
  let damaged = 0;
  for (let at = bytes.indexOf(MAGIC); at >= 0; ) {
    const frame = readFrame(bytes, at);
    if (frame) {
      damaged += at - end;
      // A put of nothing has no time: among others it would stand for one.
      if (frame.columns.count > 0) parts.push(frame.columns);
      end = at + frame.length;
      at = bytes.indexOf(MAGIC, end);
    } else {
      at = bytes.indexOf(MAGIC, at + 1);
    }
  }
  return { parts, end, damaged };
}

function readFrame(bytes: Buffer, at: number): { columns: EventColumns; length: number } | undefined {
  if (at + HEADER > bytes.length) return undefined;
  const header = bytes.subarray(at, at + HEADER);
  if (crc32(header.subarray(0, 28)) !== header.readUInt32LE(28)) return undefined;
  const size = header.readUInt32LE(4);
  const payload = bytes.subarray(at + HEADER, at + HEADER + size);
  if (payload.length < size || crc32(payload) !== header.readUInt32LE(24)) return undefined;
  const count = header.readUInt32LE(20);
  const columns = columnsFor(count, payload.subarray(count * PER_EVENT));
  const sequence = header.readDoubleLE(8);
  columns.streams.fill(header.readUInt32LE(16));
  for (let i = 0; i < count; i += 1) {
    columns.times[i] = payload.readDoubleLE(i * 8);
    columns.sequences[i] = sequence + i;
    columns.ends[i] = payload.readUInt32LE(count * 8 + i * 4);
  }
  return { columns, length: HEADER + size };
}
