import type { FileLayer, OpenFile } from '@ioto/database';
import { type EventColumns, sizeOf, sortedTogether } from './event-columns.ts';
import type { HeldBytes } from './held-bytes.ts';
import type { Frame } from './wal-frame.ts';

/** Events, and bytes of memory, up to which puts are kept as one: a search looks through them in one go. */
const PART = { events: 8192, bytes: 256 * 1024 };

/** One file of puts that are in no segment yet, and their events in memory. */
export class WriteAheadLog {
  readonly path: string;
  readonly #file: OpenFile;
  readonly #memory: HeldBytes;
  #length: number;
  #parts: readonly EventColumns[] = [];
  #size = 0;
  #firstSequence: number | undefined;
  /** What a failed write has left could not be taken back: another file must take over. */
  #unsure = false;

  constructor(
    path: string,
    file: OpenFile,
    content: { end: number; parts: readonly EventColumns[] },
    memory: HeldBytes,
  ) {
    this.path = path;
    this.#file = file;
    this.#memory = memory;
    this.#length = content.end;
    this.#keep(content.parts);
  }

  static async create(
    files: FileLayer,
    directory: string,
    path: string,
    memory: HeldBytes,
  ): Promise<WriteAheadLog> {
    const file = await files.create(path);
    await files.syncDirectory(directory);
    return new WriteAheadLog(path, file, { end: 0, parts: [] }, memory);
  }

  get parts(): readonly EventColumns[] {
    return this.#parts;
  }

  /** Bytes of memory. */
  get size(): number {
    return this.#size;
  }

  /** Number of arrival of the first event. */
  get firstSequence(): number | undefined {
    return this.#firstSequence;
  }

  get unsure(): boolean {
    return this.#unsure;
  }

  /** Resolves when the frames are on disk, by one write and one sync; only then are their events seen. */
  async append(frames: readonly Frame[]): Promise<void> {
    const [only] = frames;
    const bytes = only && frames.length === 1 ? only.bytes : Buffer.concat(frames.map(({ bytes }) => bytes));
    try {
      await this.#file.commit(bytes, this.#length);
    } catch (error) {
      await this.#takeBack();
      throw error;
    }
    this.#length += bytes.length;
    this.#keep(frames.map(({ columns }) => columns));
  }

  close(): Promise<void> {
    this.#memory.change(-this.#size);
    this.#size = 0;
    return this.#file.close();
  }

  /**
   * Puts of a few bytes each would take a kilobyte each. What comes is joined to what is not much larger, so that every event is
   * copied a few times, and there are never many parts. Who reads holds on to the row of parts as it was.
   */
  #keep(added: readonly EventColumns[]): void {
    const parts = [...this.#parts];
    for (const columns of added) {
      this.#firstSequence ??= columns.sequences[0];
      parts.push(columns);
      for (let joined = joinedEnd(parts); joined; joined = joinedEnd(parts)) parts.splice(-2, 2, joined);
    }
    this.#parts = parts;
    const size = parts.reduce((sum, part) => sum + sizeOf(part), 0);
    this.#memory.change(size - this.#size);
    this.#size = size;
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

/** The last two as one, when that is worth the copying. */
function joinedEnd(parts: readonly EventColumns[]): EventColumns | undefined {
  const [a, b] = [parts.at(-2), parts.at(-1)];
  if (!a || !b || a.count + b.count > PART.events) return undefined;
  const [before, last] = [sizeOf(a), sizeOf(b)];
  if (before > 2 * last || before + last > PART.bytes) return undefined;
  return sortedTogether([a, b]);
}
