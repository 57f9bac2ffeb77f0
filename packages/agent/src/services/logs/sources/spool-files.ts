import { close as fsClose, open as fsOpen, read as fsRead, write as fsWrite } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { makePrivateDirectory } from '@ioto/runtime';

const openDescriptor = promisify<string, string, number, number>(fsOpen);
const closeDescriptor = promisify(fsClose);

export interface Segment {
  number: number;
  /** Bytes that are written. */
  size: number;
}

/** The files of a spool, by number, the last of which is written. */
export class SpoolFiles {
  readonly #directory: string;
  #writing: { segment: Segment; descriptor: number } | undefined;
  #reading: { number: number; descriptor: number } | undefined;
  /** Oldest first. */
  segments: Segment[] = [];
  #next = 1;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** @param past a number that was used already */
  async open(past: number): Promise<void> {
    makePrivateDirectory(this.#directory);
    const numbers = (await readdir(this.#directory)).map(Number).filter(Number.isSafeInteger);
    for (const number of numbers.sort((a, b) => a - b)) {
      this.segments.push({ number, size: (await stat(this.#path(number))).size });
    }
    // What a power cut has left of the last one is never written on.
    this.#next = Math.max(past, this.segments.at(-1)?.number ?? 0) + 1;
  }

  /** Bytes of all of them. */
  get size(): number {
    return this.segments.reduce((sum, { size }) => sum + size, 0);
  }

  /** The one that is written. */
  get current(): Segment | undefined {
    return this.#writing?.segment;
  }

  /** Appends to the last file, or to a new one. @throws as the file system does; nothing counts as written then. */
  async append(bytes: Buffer): Promise<void> {
    this.#writing ??= await this.#create();
    const { segment, descriptor } = this.#writing;
    let offset = 0;
    while (offset < bytes.length) {
      offset += await new Promise<number>((resolve, reject) =>
        fsWrite(descriptor, bytes, offset, bytes.length - offset, segment.size + offset, (error, written) =>
          error ? reject(error) : resolve(written),
        ),
      );
    }
    segment.size += bytes.length;
  }

  /** The next append begins a new file. */
  async finishCurrent(): Promise<void> {
    const writing = this.#writing;
    this.#writing = undefined;
    if (writing) await closeDescriptor(writing.descriptor);
  }

  async read(number: number, window: Buffer, position: number): Promise<number> {
    if (this.#reading?.number !== number) {
      await this.#closeReading();
      this.#reading = { number, descriptor: await openDescriptor(this.#path(number), 'r', 0) };
    }
    const { descriptor } = this.#reading;
    return new Promise((resolve, reject) =>
      fsRead(descriptor, window, 0, window.length, position, (error, bytes) =>
        error ? reject(error) : resolve(bytes),
      ),
    );
  }

  async remove(isGone: (segment: Segment) => boolean): Promise<void> {
    const gone = this.segments.filter(isGone);
    this.segments = this.segments.filter((segment) => !gone.includes(segment));
    for (const segment of gone) {
      if (this.#reading?.number === segment.number) await this.#closeReading();
      if (this.#writing?.segment === segment) await this.finishCurrent();
      await rm(this.#path(segment.number), { force: true });
    }
  }

  async close(): Promise<void> {
    await this.#closeReading();
    await this.finishCurrent();
  }

  async #create() {
    const segment = { number: this.#next, size: 0 };
    const descriptor = await openDescriptor(this.#path(segment.number), 'wx', 0o600);
    this.#next += 1;
    this.segments.push(segment);
    return { segment, descriptor };
  }

  async #closeReading(): Promise<void> {
    const reading = this.#reading;
    this.#reading = undefined;
    if (reading) await closeDescriptor(reading.descriptor);
  }

  #path(number: number): string {
    return join(this.#directory, String(number).padStart(10, '0'));
  }
}
