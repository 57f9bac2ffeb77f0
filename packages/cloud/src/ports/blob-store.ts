import type { Readable } from 'node:stream';
import { errorCatalogue } from '@ioto/runtime';

export interface StoredBlob {
  id: string;
  /** Bytes. */
  size: number;
  /** Of the content, 64 hexadecimal digits in lower case. */
  sha256: string;
}

/** What content must turn out to be. */
export type ExpectedBlob = Partial<Pick<StoredBlob, 'size' | 'sha256'>>;

/** First and last byte, both within the blob. */
export interface ByteRange {
  first: number;
  last: number;
}

/** Large content under IDs of the store's own, as S3 has it: never changed once it is there. */
export interface BlobStore {
  /**
   * Durable, and not to be seen before, when resolved.
   *
   * @throws BLOB_SIZE, BLOB_CHECKSUM (400) when it is not what is expected; BLOB_NO_ROOM (507) when the disk is full. Nothing is
   * kept then.
   */
  put(content: AsyncIterable<Uint8Array>, expected?: ExpectedBlob): Promise<StoredBlob>;
  /** Undefined when there is none. */
  sizeOf(id: string): Promise<number | undefined>;
  /** The content, or a range of it; to be read to its end, or destroyed. @throws BLOB_UNKNOWN (404) */
  read(id: string, range?: ByteRange): Promise<Readable>;
  /** One that is not there is no error. */
  remove(id: string): Promise<void>;
  /** IDs of all. */
  list(): Promise<string[]>;
}

export const blobError = errorCatalogue({
  BLOB_UNKNOWN: { status: 404 },
  BLOB_SIZE: { status: 400 },
  BLOB_CHECKSUM: { status: 400 },
  BLOB_NO_ROOM: { status: 507, retryable: true },
});
