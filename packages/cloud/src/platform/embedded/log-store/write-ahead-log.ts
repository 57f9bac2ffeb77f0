import type { FileLayer, OpenFile } from '@ioto/database';
import { type EventColumns, sizeOf } from './event-columns.ts';
import type { Frame } from './wal-frame.ts';

/** One file of puts that are in no segment yet, and their events in memory. */
export class WriteAheadLog {
  readonly path: string;
  readonly #file: OpenFile;
  #length: number;
  #parts: EventColumns[];
  #size = 0;
  /** What a failed write has left could not be taken back: another file must take over. */
  #unsure = false;

  constructor(path: string, file: OpenFile, content: { end: number; parts: EventColumns[] }) {
    this.path = path;
    this.#file = file;
    this.#length = content.end;
    this.#parts = content.parts;
    for (const part of content.parts) this.#size += sizeOf(part);
  }

  static async create(files: FileLayer, directory: string, path: string): Promise<WriteAheadLog> {
    const file = await files.create(path);
    await files.syncDirectory(directory);
    return new WriteAheadLog(path, file, { end: 0, parts: [] });
  }

  get parts(): readonly EventColumns[] {
    return this.#parts;
  }

  /** Bytes of memory. */
  get size(): number {
    return this.#size;
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
    // Who reads holds on to the row of parts as it is now.
    this.#parts = [...this.#parts, ...frames.map(({ columns }) => columns)];
    for (const { columns } of frames) this.#size += sizeOf(columns);
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
