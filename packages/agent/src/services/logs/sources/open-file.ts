import { createHash } from 'node:crypto';
import {
  type BigIntStats,
  constants,
  close as fsClose,
  open as fsOpen,
  read as fsRead,
  fstat,
} from 'node:fs';
import { promisify } from 'node:util';

const openDescriptor = promisify<string, number, number>(fsOpen);
const closeDescriptor = promisify(fsClose);
const statDescriptor = promisify(fstat) as unknown as (
  descriptor: number,
  options: { bigint: true },
) => Promise<BigIntStats>;

/** Bytes of a file's beginning by which it is known again. */
const HEAD = 256;

/** What tells a file from another of its name, and of its inode. */
export interface Identity {
  /** Device and inode. */
  key: string;
  /** Digest of the first `headLength` bytes. */
  head: string;
  headLength: number;
}

/** A log file that is read, by its descriptor: it stays the same when it is renamed or removed. */
export class OpenFile {
  readonly key: string;
  readonly #descriptor: number;

  private constructor(descriptor: number, key: string) {
    this.#descriptor = descriptor;
    this.key = key;
  }

  /**
   * @param follows whether the path may be a symbolic link
   * @throws as the file system does; undefined for what is no regular file.
   */
  static async open(path: string, follows: boolean): Promise<OpenFile | undefined> {
    // Not to be held up by a pipe that nobody writes to.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | (follows ? 0 : constants.O_NOFOLLOW);
    const descriptor = await openDescriptor(path, flags);
    const stats = await statDescriptor(descriptor, { bigint: true });
    if (stats.isFile()) return new OpenFile(descriptor, keyOf(stats));
    await closeDescriptor(descriptor);
    return undefined;
  }

  async size(): Promise<number> {
    return Number((await statDescriptor(this.#descriptor, { bigint: true })).size);
  }

  /** Fills the buffer from this place on; returns how many bytes there were. */
  read(buffer: Buffer, position: number, length = buffer.length): Promise<number> {
    return new Promise((resolve, reject) => {
      fsRead(this.#descriptor, buffer, 0, length, position, (error, bytes) =>
        error ? reject(error) : resolve(bytes),
      );
    });
  }

  /** The digest of the first bytes, of as many as were there when it was made first, or of those there are. */
  async head(length = HEAD): Promise<Pick<Identity, 'head' | 'headLength'>> {
    const bytes = Buffer.alloc(Math.min(length, HEAD));
    const headLength = bytes.length === 0 ? 0 : await this.read(bytes, 0);
    const digest = createHash('sha1').update(bytes.subarray(0, headLength)).digest('base64');
    return { head: digest, headLength };
  }

  close(): Promise<void> {
    return closeDescriptor(this.#descriptor);
  }
}

export function keyOf({ dev, ino }: Pick<BigIntStats, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`;
}
