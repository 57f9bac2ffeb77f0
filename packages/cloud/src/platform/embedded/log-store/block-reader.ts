import { crc32 } from 'node:zlib';
import { type Logger, messageOf } from '@ioto/runtime';
import { unpackBlock } from './block.ts';
import { ByteCache } from './byte-cache.ts';
import { type EventColumns, sizeOf } from './event-columns.ts';
import { type BlockPlace, RUN_HEADER, type RunPlace, readIndex } from './run.ts';
import type { Segment } from './segment.ts';

export interface RunInSegment {
  segment: Segment;
  run: RunPlace;
}

/** Bytes of memory for what is read again and again: pages of one search begin in the same block. */
const CACHED_BLOCKS = 16 * 1024 * 1024;
const CACHED_INDEXES = 16 * 1024 * 1024;

/** Reads indexes and blocks of runs, for all groups. What is damaged is passed over and told to the log: the rest is found. */
export class BlockReader {
  readonly #logger: Logger;
  readonly #blocks = new ByteCache<EventColumns>(CACHED_BLOCKS);
  readonly #indexes = new ByteCache<BlockPlace[]>(CACHED_INDEXES);

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** With filters only where they are wanted and sound. */
  async index(
    place: RunInSegment,
    withFilters: boolean,
  ): Promise<{ blocks: readonly BlockPlace[]; filters?: Buffer }> {
    const { segment, run } = place;
    const key = `${segment.path} ${run.offset}`;
    const known = this.#indexes.get(key);
    const { indexLength, bloomsLength } = run;
    const begin = run.offset + RUN_HEADER + (known ? indexLength : 0);
    const length = (known ? 0 : indexLength) + (withFilters ? bloomsLength : 0);
    const bytes = length === 0 ? Buffer.alloc(0) : await segment.read(begin, length);
    // A segment that retention has removed meanwhile.
    if (length > 0 && bytes.length === 0) return { blocks: [] };
    const blocks = known ?? this.#indexIn(place, bytes.subarray(0, indexLength));
    if (!known) this.#indexes.put(key, blocks, indexLength * 2);
    if (!withFilters) return { blocks };
    const filters = bytes.subarray(known ? 0 : indexLength);
    if (crc32(filters) === run.bloomsChecksum) return { blocks, filters };
    this.#tell(place, new Error('the filters of a run are damaged'));
    return { blocks };
  }

  async block(place: RunInSegment, block: BlockPlace): Promise<EventColumns> {
    const { segment } = place;
    const key = `${segment.path} ${block.offset}`;
    const known = this.#blocks.get(key);
    if (known) return known;
    const bytes = await segment.read(block.offset, block.length);
    if (bytes.length === 0) return EMPTY;
    try {
      const columns = await unpackBlock({ ...block, bytes });
      this.#blocks.put(key, columns, sizeOf(columns));
      return columns;
    } catch (error) {
      this.#tell(place, error);
      return EMPTY;
    }
  }

  #indexIn(place: RunInSegment, bytes: Buffer): BlockPlace[] {
    try {
      return readIndex(place.run, bytes);
    } catch (error) {
      this.#tell(place, error);
      return [];
    }
  }

  #tell({ segment, run }: RunInSegment, error: unknown): void {
    const facts = { file: segment.path, at: run.offset, error: messageOf(error) };
    this.#logger.error(facts, 'log events cannot be read: their file is damaged');
  }
}

const EMPTY: EventColumns = {
  count: 0,
  times: new Float64Array(),
  sequences: new Float64Array(),
  streams: new Uint32Array(),
  ends: new Uint32Array(),
  bytes: Buffer.alloc(0),
};
