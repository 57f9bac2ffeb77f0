import { LONGEST_EVENT } from '../batch.ts';

/** Bytes before an event in a spool: its length, its time. */
export const FRAME_HEAD = 12;

/** An event as it lies in a spool. What is longer than an event may be is cut. */
export function frameOf(time: number, event: Uint8Array): Buffer {
  const length = Math.min(event.length, LONGEST_EVENT);
  const frame = Buffer.allocUnsafe(FRAME_HEAD + length);
  frame.writeUInt32LE(length, 0);
  frame.writeDoubleLE(time, 4);
  frame.set(event.subarray(0, length), FRAME_HEAD);
  return frame;
}

export interface Frame {
  time: number;
  start: number;
  end: number;
}

/** The frame that begins at `at`; undefined when it is not whole, `'broken'` when that is none. */
export function readFrame(buffer: Buffer, at: number, length: number): Frame | 'broken' | undefined {
  if (at + FRAME_HEAD > length) return undefined;
  const size = buffer.readUInt32LE(at);
  if (size === 0 || size > LONGEST_EVENT) return 'broken';
  const start = at + FRAME_HEAD;
  if (start + size > length) return undefined;
  return { time: buffer.readDoubleLE(at + 4), start, end: start + size };
}
