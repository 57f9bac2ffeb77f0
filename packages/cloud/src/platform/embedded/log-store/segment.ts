import type { FileLayer, OpenFile } from '@ioto/database';
import { isWholeRun, lengthOfRun, RUN_HEADER, type RunPlace, readRunHeader } from './run.ts';

/** A file of runs, one after the other. Runs are added whole or not at all. */
export class Segment {
  readonly path: string;
  readonly #files: FileLayer;
  #runs: readonly RunPlace[] = [];
  #length = 0;
  #file: OpenFile | undefined;
  /** What could not be taken back after a failed write stands behind the last run: nothing may be added. */
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
   * Finds the runs of a file that is there. What follows the last whole one was torn by a power cut and is in the
   * write-ahead log still; it is cut off before the next run is added. Resolves true when there was any.
   */
  async load(): Promise<boolean> {
    const runs: RunPlace[] = [];
    let at = 0;
    for (;;) {
      const run = readRunHeader(await this.read(at, RUN_HEADER), at);
      if (!run) break;
      runs.push(run);
      at += lengthOfRun(run);
    }
    // No run is begun before the one in front of it is durable: only the last can be torn.
    const last = runs.at(-1);
    if (last && !isWholeRun(last, await this.read(last.offset, lengthOfRun(last)))) {
      runs.pop();
      at = last.offset;
    }
    this.#runs = runs;
    this.#length = at;
    this.#torn = (await this.read(at, 1)).length > 0;
    return this.#torn;
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
