/** An open file. Writes are positional; nothing is durable before `sync`. */
export interface OpenFile {
  /** Writes all of the bytes at `position`; a short write is continued. */
  write(bytes: Uint8Array, position: number): Promise<void>;
  /**
   * Writes a few bytes at `position` and syncs them. A file system may do so at once where its disk is as fast as handing
   * the work to another thread.
   */
  commit(bytes: Uint8Array, position: number): Promise<void>;
  /** fdatasync: content and size are on disk. */
  sync(): Promise<void>;
  truncate(length: number): Promise<void>;
  close(): Promise<void>;
}

/** What the journal asks of a file system. The real one is `nodeFiles`; tests bring one that fails and loses power. */
export interface FileLayer {
  /** Makes the directory, private, when it is missing. */
  ensureDirectory(directory: string): Promise<void>;
  list(directory: string): Promise<string[]>;
  read(path: string): Promise<Buffer>;
  /** Fills the buffer from this place of the file on; returns how many bytes there were, 0 at the end. */
  readInto(path: string, buffer: Uint8Array, position: number): Promise<number>;
  /** A new file of mode 0600, for writing; one of that name is replaced. */
  create(path: string): Promise<OpenFile>;
  /** An existing file, for writing. */
  open(path: string): Promise<OpenFile>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** A directory with the files in it. */
  removeDirectory(path: string): Promise<void>;
  /** Makes names durable: new, renamed and removed ones. */
  syncDirectory(directory: string): Promise<void>;
}
