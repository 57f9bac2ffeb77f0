import type { FileLayer, OpenFile } from '@ioto/database';
import { isWholeRun, lengthOfRun, RUN_HEADER, RUN_MAGIC, type RunPlace, readRunHeader } from './run.ts';

/** Bytes that are read at once to find where the next run begins. */
const PIECE = 1024 * 1024;

/** A file of runs, one after the other. Runs are added whole or not at all. */
export class Segment {
  readonly path: string;
  readonly #files: FileLayer;
  #runs: readonly RunPlace[] = [];
  #length = 0;
  #file: OpenFile | undefined;
  /** Something stands behind the last run that could not be taken back, or is not known for what it is: nothing may be added. */
  #sealed = false;
  #torn = false;

  constructor(files: FileLayer, path: string) {
    this.#files = files;
    this.path = path;
  }

  get runs(): readonly RunPlace[] {
    return this.#runs;
  }

  get length(): number {
    return this.#length;
  }

  get sealed(): boolean {
    return this.#sealed;
  }

  get maxTime(): number {
    return this.#runs.reduce((max, run) => Math.max(max, run.maxTime), Number.NEGATIVE_INFINITY);
  }

  /**
   * Finds the runs of a file that is there. A run at its end that is not whole was torn by a power cut, and is in the
   * write-ahead log still: it is cut off before the next run is added. Where a header is damaged, what follows is found by its
   * mark, and nothing is cut.
   */
  async load(): Promise<{ isTorn: boolean; isDamaged: boolean }> {
    const runs: RunPlace[] = [];
    let end = 0;
    let isDamaged = false;
    for (let at: number | undefined = 0; at !== undefined; ) {
      const run = readRunHeader(await this.read(at, RUN_HEADER), at);
      if (run) {
        isDamaged ||= at > end;
        runs.push(run);
        end = at + lengthOfRun(run);
        at = end;
      } else {
        at = await this.#nextRun(at + 1);
      }
    }
    // No run is begun before the one in front of it is durable: only the last can be torn.
    const last = runs.at(-1);
    if (last && !isWholeRun(last, await this.read(last.offset, lengthOfRun(last)))) {
      runs.pop();
      end = last.offset;
      this.#torn = true;
    }
    this.#runs = runs;
    this.#length = end;
    const hasMore = (await this.read(end, 1)).length > 0;
    // It may be what a power cut has torn, or a run whose header has been damaged since.
    this.#sealed = hasMore && !this.#torn && end > 0;
    return { isTorn: hasMore, isDamaged };
  }

  /** Where the next sound header is. */
  async #nextRun(from: number): Promise<number | undefined> {
    for (let at = from; ; ) {
      const bytes = await this.read(at, PIECE);
      const found = bytes.indexOf(RUN_MAGIC);
      if (found >= 0) {
        const place = at + found;
        if (readRunHeader(await this.read(place, RUN_HEADER), place)) return place;
        at = place + 1;
      } else {
        if (bytes.length < PIECE) return undefined;
        at += PIECE - RUN_MAGIC.length + 1;
      }
    }
  }

  /**
   * Writes a run durably behind the last one; it is not seen before `add`.
   *
   * @throws what the system says; the segment is as it was before then.
   */
  async write(bytes: Buffer): Promise<RunPlace> {
    const run = readRunHeader(bytes, this.#length);
    if (!run) throw new Error('what is to be written is no run');
    try {
      this.#file ??= await this.#open();
      await this.#file.write(bytes, this.#length);
      await this.#file.sync();
    } catch (error) {
      await this.#takeBack();
      throw error;
    }
    return run;
  }

  /** Shows the run that was written last. */
  add(run: RunPlace): void {
    this.#length = run.offset + lengthOfRun(run);
    this.#runs = [...this.#runs, run];
  }

  /** Fewer bytes than asked for where the file ends; none where it is gone. */
  async read(offset: number, length: number): Promise<Buffer> {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const got = await this.#files.readInto(this.path, buffer.subarray(filled), offset + filled);
      if (got === 0) break;
      filled += got;
    }
    return buffer.subarray(0, filled);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #open(): Promise<OpenFile> {
    if (this.#length === 0) return this.#files.create(this.path);
    const file = await this.#files.open(this.path);
    if (this.#torn) await file.truncate(this.#length);
    this.#torn = false;
    return file;
  }

  async #takeBack(): Promise<void> {
    try {
      await this.#file?.truncate(this.#length);
      await this.#file?.sync();
    } catch {
      this.#sealed = true;
    }
  }
}
