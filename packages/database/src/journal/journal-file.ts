import type { FileLayer, OpenFile } from './file-layer.ts';
import { encodeFrame, type FrameKind } from './frame.ts';

/**
 * The journal that is written to. After a failure the file ends where it ended before, so that a full disk costs only
 * the change that did not fit; where even that cannot be made sure of, the file is `unsure` and another must take over.
 */
export class JournalFile {
  readonly path: string;
  readonly #file: OpenFile;
  #length: number;
  #nextNumber: number;
  #unsure = false;

  constructor(path: string, file: OpenFile, length: number, nextNumber: number) {
    this.path = path;
    this.#file = file;
    this.#length = length;
    this.#nextNumber = nextNumber;
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
    try {
      await this.#file.commit(frame, this.#length);
    } catch (error) {
      await this.#takeBack();
      throw error;
    }
    this.#length += frame.length;
    this.#nextNumber += 1;
    return frame.length;
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  async #takeBack(): Promise<void> {
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
  const journal = new JournalFile(path, file, 0, number);
  try {
    await journal.append('head', head);
    return journal;
  } catch (error) {
    await file.close().catch(() => undefined);
    await files.remove(temporary).catch(() => undefined);
    throw error;
  }
}
