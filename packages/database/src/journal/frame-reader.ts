import type { FileLayer } from './file-layer.ts';
import { FRAME_HEADER_SIZE, type Frame, hasLaterHeader, isRoom, readFrame, readHeader } from './frame.ts';

/** Bytes that are read at once: a file is never in memory as a whole. */
const WINDOW = 512 * 1024;

/** How far a file is good. */
export interface FileScan {
  /** The number of the last good frame; undefined when there is none. */
  readonly lastNumber: number | undefined;
  /** Where the last good frame ends. */
  readonly end: number;
  readonly size: number;
  /** What follows is neither a whole frame nor room for one … */
  readonly damaged: boolean;
  /** … and the header of a later one lies behind it. */
  readonly laterFrame: boolean;
}

/**
 * Visits a file's frames up to the first that is not whole, or not numbered as the next. A frame's payload is only there
 * while it is visited.
 */
export async function readFrames(
  files: FileLayer,
  path: string,
  visit: (frame: Frame) => void,
): Promise<FileScan> {
  const window = new Window(files, path);
  let lastNumber: number | undefined;
  for (;;) {
    const frame = await window.next();
    const expected = lastNumber === undefined ? frame?.number : lastNumber + 1;
    if (!frame || frame.number !== expected) break;
    lastNumber = frame.number;
    visit(frame);
    window.accept(frame);
  }
  const end = window.position;
  const size = await window.sizeOfRoom();
  if (size !== undefined) return { lastNumber, end, size, damaged: false, laterFrame: false };
  // Only a damaged file is looked at as a whole.
  const bytes = await files.read(path);
  const laterFrame = hasLaterHeader(bytes, end + 1, lastNumber ?? -1);
  return { lastNumber, end, size: bytes.length, damaged: true, laterFrame };
}

/** The part of a file that is in memory. */
class Window {
  readonly #files: FileLayer;
  readonly #path: string;
  #buffer = Buffer.allocUnsafe(WINDOW);
  /** Bytes of the buffer that are filled, and of them those that are done with. */
  #filled = 0;
  #used = 0;
  #position = 0;

  constructor(files: FileLayer, path: string) {
    this.#files = files;
    this.#path = path;
  }

  /** Of the next frame, in the file. */
  get position(): number {
    return this.#position;
  }

  /** The frame at the position, or undefined when there is no whole one. */
  async next(): Promise<Frame | undefined> {
    await this.#have(FRAME_HEADER_SIZE);
    const header = readHeader(this.#rest, 0);
    if (!header) return undefined;
    await this.#have(FRAME_HEADER_SIZE + header.length);
    const frame = readFrame(this.#rest, 0);
    return frame && { ...frame, offset: this.#position };
  }

  accept({ payload }: Frame): void {
    const length = FRAME_HEADER_SIZE + payload.length;
    this.#used += length;
    this.#position += length;
  }

  /** The size of a file that has nothing but room from the position on, which is read to its end; else undefined. */
  async sizeOfRoom(): Promise<number | undefined> {
    for (let end = this.#position; ; ) {
      await this.#have(1);
      const rest = this.#rest;
      if (rest.length === 0) return end;
      if (!isRoom(rest)) return undefined;
      this.#used += rest.length;
      this.#position += rest.length;
      end = this.#position;
    }
  }

  get #rest(): Buffer {
    return this.#buffer.subarray(this.#used, this.#filled);
  }

  /** Reads on until this many bytes are there, or the file ends. */
  async #have(length: number): Promise<void> {
    if (this.#filled - this.#used >= length) return;
    const target = length > this.#buffer.length ? Buffer.allocUnsafe(length) : this.#buffer;
    this.#buffer.copy(target, 0, this.#used, this.#filled);
    this.#buffer = target;
    this.#filled -= this.#used;
    this.#used = 0;
    while (this.#filled < length) {
      const free = target.subarray(this.#filled);
      const count = await this.#files.readInto(this.#path, free, this.#position + this.#filled);
      if (count === 0) return;
      this.#filled += count;
    }
  }
}
