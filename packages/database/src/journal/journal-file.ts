import { systemCode } from '@ioto/runtime';
import type { FileLayer, OpenFile } from './file-layer.ts';
import { encodeFrame, type FrameKind } from './frame.ts';

/**
 * Bytes of zeros that are written behind a frame for which there is no room. A sync of what lies within a file is one write to the
 * disk; where the file grows, its size and place are written too.
 */
const ROOM = 64 * 1024;
/** Larger frames make the file grow: zeros in front of them would be written for nothing. */
const SMALL_FRAME = 8 * 1024;
/** What the system says where the frame alone may still fit. */
const NO_ROOM: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/**
 * The journal that is written to. After a failure the file ends where it ended before, so that a full disk costs only
 * the change that did not fit; where even that cannot be made sure of, the file is `unsure` and another must take over.
 */
export class JournalFile {
  readonly path: string;
  readonly #file: OpenFile;
  #length: number;
  #nextNumber: number;
  /** Where the room behind the last frame ends. */
  #roomUntil: number;
  /** False once there was none to be had. */
  #makesRoom = true;
  #unsure = false;

  constructor(path: string, file: OpenFile, at: { length: number; size: number; nextNumber: number }) {
    this.path = path;
    this.#file = file;
    this.#length = at.length;
    this.#roomUntil = at.size;
    this.#nextNumber = at.nextNumber;
  }

  get length(): number {
    return this.#length;
  }

  /** The number that the next frame gets. */
  get nextNumber(): number {
    return this.#nextNumber;
  }

  get unsure(): boolean {
    return this.#unsure;
  }

  /** Resolves with the bytes written when the frame is on disk. */
  async append(kind: FrameKind, payload: string): Promise<number> {
    const frame = encodeFrame(kind, this.#nextNumber, payload);
    const written = await this.#write(frame, kind);
    this.#length += frame.length;
    this.#roomUntil = Math.max(this.#roomUntil, this.#length);
    this.#nextNumber += 1;
    return written;
  }

  /** Marks the end and gives up the room behind it. */
  async finish(): Promise<void> {
    await this.append('end', '');
    if (this.#roomUntil > this.#length) await this.#file.truncate(this.#length);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #write(frame: Buffer, kind: FrameKind): Promise<number> {
    const end = this.#length + frame.length;
    if (this.#makesRoom && kind === 'operations' && end > this.#roomUntil && frame.length <= SMALL_FRAME) {
      try {
        const written = await this.#commit(Buffer.concat([frame, Buffer.alloc(ROOM)]));
        this.#roomUntil = end + ROOM;
        return written;
      } catch (error) {
        if (this.#unsure || !NO_ROOM.has(systemCode(error))) throw error;
        this.#makesRoom = false;
      }
    }
    return this.#commit(frame);
  }

  async #commit(bytes: Buffer): Promise<number> {
    try {
      await this.#file.commit(bytes, this.#length);
      return bytes.length;
    } catch (error) {
      await this.#takeBack();
      throw error;
    }
  }

  async #takeBack(): Promise<void> {
    this.#roomUntil = this.#length;
    try {
      await this.#file.truncate(this.#length);
      await this.#file.sync();
    } catch {
      this.#unsure = true;
    }
  }
}

/**
 * A new journal with its head on disk, under a temporary name: a journal without a head is never met under its own.
 */
export async function createJournalFile(
  files: FileLayer,
  { path, temporary }: { path: string; temporary: string },
  number: number,
  head: string,
): Promise<JournalFile> {
  const file = await files.create(temporary);
  const journal = new JournalFile(path, file, { length: 0, size: 0, nextNumber: number });
  try {
    await journal.append('head', head);
    return journal;
  } catch (error) {
    await file.close().catch(() => undefined);
    await files.remove(temporary).catch(() => undefined);
    throw error;
  }
}
