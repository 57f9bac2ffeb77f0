import {
  FRAME_HEADER_SIZE,
  type Frame,
  isRoom,
  nextFrameAt,
  readFrame,
  readHeader,
} from '../journal/frame.ts';

/** Bytes of a file that hold no frame that is whole. */
export interface LostRange {
  readonly offset: number;
  readonly bytes: number;
}

export interface RescuedFrames {
  readonly frames: readonly Frame[];
  readonly lost: readonly LostRange[];
  /**
   * The number of the first frame; undefined when that cannot be told. When that frame itself is damaged it is told by its
   * header, or by the frame behind it.
   */
  readonly firstNumber: number | undefined;
}

/**
 * All frames of a damaged file that are whole, in the order of their numbers, and what lies between them. Magic and two
 * checksums make sure that nothing is taken for a frame that was not written as one.
 */
export function rescueFrames(bytes: Buffer): RescuedFrames {
  const frames: Frame[] = [];
  const lost: LostRange[] = [];
  let last = -1;
  let at = 0;
  while (at < bytes.length) {
    const frame = readFrame(bytes, at);
    if (frame && frame.number > last) {
      frames.push(frame);
      last = frame.number;
      at += FRAME_HEADER_SIZE + frame.payload.length;
      continue;
    }
    const next = nextFrameAt(bytes, at + 1, last) ?? bytes.length;
    if (next < bytes.length || !isRoom(bytes.subarray(at))) lost.push({ offset: at, bytes: next - at });
    at = next;
  }
  return { frames, lost, firstNumber: firstNumberOf(bytes, frames) };
}

function firstNumberOf(bytes: Buffer, frames: readonly Frame[]): number | undefined {
  const header = readHeader(bytes, 0);
  if (header) return header.number;
  return frames[0] && Math.max(0, frames[0].number - 1);
}
