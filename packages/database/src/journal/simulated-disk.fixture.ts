import { dirname, join } from 'node:path';
import type { FileLayer, OpenFile } from './file-layer.ts';

/** What a file system promises to keep of one file, and what it would like to. */
class Inode {
  content: Buffer = Buffer.alloc(0);
  durable: Buffer = Buffer.alloc(0);
  /** Where content may differ from what is durable: all of a large file is not copied for each write and sync. */
  changedFrom = 0;

  write(bytes: Uint8Array, position: number): void {
    this.content = resized(this.content, Math.max(position + bytes.length, this.content.length));
    this.content.set(bytes, position);
    this.changedFrom = Math.min(this.changedFrom, position);
  }

  sync(): void {
    const from = Math.min(this.changedFrom, this.durable.length, this.content.length);
    this.durable = resized(this.durable, this.content.length);
    this.content.copy(this.durable, from, from);
    this.changedFrom = this.content.length;
  }

  truncate(length: number): void {
    this.content = resized(this.content, Math.min(length, this.content.length));
    this.changedFrom = Math.min(this.changedFrom, length);
  }
}

type NameChange = (names: Map<string, Inode>) => void;

export interface Fault {
  /** The operation fails with this system code. */
  code: string;
}

const SECTOR = 512;

/** Chance at its worst, and at its best: everything that was not synced is lost, or kept. */
export const LOSE_ALL = () => 0;
export const KEEP_ALL = () => 1 - Number.EPSILON;

/**
 * A disk in memory that keeps after `crash` only what was synced, and of the rest what chance lets it keep: any of the
 * name changes, unsynced content by the sector.
 */
export class SimulatedDisk implements FileLayer {
  /** Decides before each operation whether it fails. */
  fault: (operation: string, path: string) => Fault | undefined = () => undefined;
  /** Bytes that all files may have together. */
  capacity = Number.POSITIVE_INFINITY;
  /** Operations until the power goes off. */
  powerFor = Number.POSITIVE_INFINITY;
  operations = 0;
  bytesWritten = 0;
  #names = new Map<string, Inode>();
  #durableNames = new Map<string, Inode>();
  #nameChanges: NameChange[] = [];

  get isOff(): boolean {
    return this.operations > this.powerFor;
  }

  /** The disk as it is found when the power is back. `random` gives numbers in [0, 1). */
  crash(random: () => number): SimulatedDisk {
    const after = new SimulatedDisk();
    const names = new Map(this.#durableNames);
    for (const change of this.#nameChanges) if (random() >= 0.5) change(names);
    for (const [path, inode] of names) after.put(path, survivor(inode, random));
    return after;
  }

  /** Puts a file there, durably. */
  put(path: string, content: Buffer): void {
    const inode = new Inode();
    inode.write(content, 0);
    inode.sync();
    this.#names.set(path, inode);
    this.#durableNames.set(path, inode);
  }

  content(path: string): Buffer {
    return Buffer.from(this.#inode('read', path).content);
  }

  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  async ensureDirectory(directory: string): Promise<void> {
    await this.#step('mkdir', directory);
  }

  async list(directory: string): Promise<string[]> {
    await this.#step('list', directory);
    const beginning = join(directory, '/');
    const below = this.paths().filter((path) => path.startsWith(beginning));
    return [...new Set(below.map((path) => path.slice(beginning.length).split('/', 1)[0] as string))];
  }

  async read(path: string): Promise<Buffer> {
    await this.#step('read', path);
    return this.content(path);
  }

  async readInto(path: string, buffer: Uint8Array, position: number): Promise<number> {
    await this.#step('read', path);
    const { content } = this.#inode('read', path);
    return content.copy(buffer, 0, Math.min(position, content.length));
  }

  async create(path: string): Promise<OpenFile> {
    await this.#step('create', path);
    const inode = new Inode();
    this.#rename((names) => names.set(path, inode));
    return this.#file(path, inode);
  }

  async open(path: string): Promise<OpenFile> {
    await this.#step('open', path);
    return this.#file(path, this.#inode('open', path));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#step('rename', to);
    const inode = this.#inode('rename', from);
    this.#rename((names) => {
      names.delete(from);
      names.set(to, inode);
    });
  }

  async remove(path: string): Promise<void> {
    await this.#step('remove', path);
    this.#rename((names) => names.delete(path));
  }

  async removeDirectory(path: string): Promise<void> {
    for (const file of this.paths()) if (dirname(file) === path) await this.remove(file);
  }

  async syncDirectory(directory: string): Promise<void> {
    await this.#step('syncDirectory', directory);
    for (const change of this.#nameChanges.splice(0)) change(this.#durableNames);
  }

  #file(path: string, inode: Inode): OpenFile {
    const file: OpenFile = {
      commit: async (bytes, position) => {
        await file.write(bytes, position);
        await file.sync();
      },
      write: async (bytes, position) => {
        const room = this.#room(inode, position);
        const code = await this.#step('write', path).then(
          () => (bytes.length > room ? 'ENOSPC' : undefined),
          (error: { code: string }) => error.code,
        );
        // A write that fails, or that the power cut, may have been done in part.
        const written = code === undefined ? bytes : bytes.subarray(0, Math.min(room, bytes.length >> 1));
        if (code !== 'EIO') inode.write(written, position);
        this.bytesWritten += written.length;
        if (code !== undefined) throw failure(code, 'write', path);
      },
      sync: async () => {
        await this.#step('sync', path);
        inode.sync();
      },
      truncate: async (length) => {
        await this.#step('truncate', path);
        inode.truncate(length);
      },
      close: async () => {
        await this.#step('close', path);
      },
    };
    return file;
  }

  #room(inode: Inode, position: number): number {
    const used = [...new Set(this.#names.values())].reduce((sum, { content }) => sum + content.length, 0);
    return this.capacity - (used - inode.content.length + position);
  }

  #rename(change: NameChange): void {
    change(this.#names);
    this.#nameChanges.push(change);
  }

  #inode(operation: string, path: string): Inode {
    const inode = this.#names.get(path);
    if (!inode) throw failure('ENOENT', operation, path);
    return inode;
  }

  /** Every operation takes a turn of the loop, as a real one does. */
  async #step(operation: string, path: string): Promise<void> {
    this.operations += 1;
    await new Promise((resolve) => setImmediate(resolve));
    if (this.isOff) throw failure('EPOWEROFF', operation, path);
    const fault = this.fault(operation, path);
    if (fault) throw failure(fault.code, operation, path);
  }
}

function failure(code: string, operation: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${operation} ${path}`), { code });
}

/** The bytes of a file that has another length from now on, with room to grow behind them; what is new is zero. */
function resized(bytes: Buffer, length: number): Buffer {
  const room = bytes.length > 0 && bytes.byteOffset === 0 ? bytes.buffer.byteLength : 0;
  if (length <= room) {
    const same = Buffer.from(bytes.buffer, 0, length);
    same.fill(0, Math.min(bytes.length, length));
    return same;
  }
  const larger = Buffer.from(new ArrayBuffer(length * 2), 0, length);
  bytes.copy(larger);
  return larger;
}

/** Synced content, and of what was not synced some sectors; the size may have grown ahead of them. */
function survivor({ content, durable }: Inode, random: () => number): Buffer {
  const lowest = Math.min(content.length, durable.length);
  const length = lowest + Math.floor(random() * (Math.max(content.length, durable.length) - lowest + 1));
  const result = Buffer.alloc(length);
  durable.copy(result, 0, 0, Math.min(durable.length, length));
  for (let start = 0; start < Math.min(length, content.length); start += SECTOR) {
    const end = Math.min(start + SECTOR, length, content.length);
    if (random() >= 0.5) content.copy(result, start, start, end);
  }
  return result;
}
