import { crc32 } from 'node:zlib';
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

/** Reads indexes and blocks of runs, for all groups. */
export class BlockReader {
  readonly #blocks = new ByteCache<EventColumns>(CACHED_BLOCKS);
  readonly #indexes = new ByteCache<BlockPlace[]>(CACHED_INDEXES);

  /** @throws when the file is damaged. */
  async index(
    { segment, run }: RunInSegment,
    withFilters: boolean,
  ): Promise<{ blocks: readonly BlockPlace[]; filters?: Buffer }> {
    const key = `${segment.path} ${run.offset}`;
    const known = this.#indexes.get(key);
    const { indexLength, bloomsLength } = run;
    const skipped = known ? indexLength : 0;
    const length = (known ? 0 : indexLength) + (withFilters ? bloomsLength : 0);
    const bytes = length === 0 ? undefined : await segment.read(run.offset + RUN_HEADER + skipped, length);
    // A segment that retention has removed meanwhile.
    if (bytes && bytes.length === 0) return { blocks: [] };
    const blocks = known ?? readIndex(run, (bytes as Buffer).subarray(0, indexLength));
    if (!known) this.#indexes.put(key, blocks, indexLength * 2);
    if (!withFilters) return { blocks };
    const filters = (bytes as Buffer).subarray(known ? 0 : indexLength);
    if (crc32(filters) !== run.bloomsChecksum)
      throw new Error('the filters of a run of log events are damaged');
    return { blocks, filters };
  }

  /** @throws when the file is damaged. */
  async block({ segment }: RunInSegment, block: BlockPlace): Promise<EventColumns> {
    const key = `${segment.path} ${block.offset}`;
    const known = this.#blocks.get(key);
    if (known) return known;
    const bytes = await segment.read(block.offset, block.length);
    if (bytes.length === 0) return EMPTY;
    const columns = await unpackBlock({ ...block, bytes });
    this.#blocks.put(key, columns, sizeOf(columns));
    return columns;
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
