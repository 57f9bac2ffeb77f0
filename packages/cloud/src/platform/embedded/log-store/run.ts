import { crc32 } from 'node:zlib';
import { packBlock } from './block.ts';
import { buildBloom } from './bloom.ts';
import { type EventColumns, sliceOf, startOf } from './event-columns.ts';
import { wordHashes } from './words.ts';

/**
 * A run is what one packing adds to a segment: events in their order, in blocks, and in front of them an index and Bloom
 * filters by which a search passes blocks over. Little endian: magic (4), bytes of the index (4), of the filters (4), of the
 * blocks (4), events (4), CRC-32 of the index (4), of the filters (4), reserved (4), lowest and highest time, highest number
 * of arrival (doubles), CRC-32 of the header so far (4).
 */
export const RUN_MAGIC = Buffer.from([0xf7, 0x4c, 0xff, 0x52]);
export const RUN_HEADER = 60;
/** One block in the index, before its streams. */
const ENTRY = 56;
/** Bytes of text in a block: what is unpacked to see one event. */
const BLOCK = 256 * 1024;
/** So many events are enough for a block, however short they are. */
const MOST_EVENTS = 8192;

const ESCAPE = Buffer.from('\\u');

/** Where a run is, and what is in it. */
export interface RunPlace {
  /** Offset in the segment. */
  readonly offset: number;
  readonly indexLength: number;
  readonly bloomsLength: number;
  readonly blocksLength: number;
  readonly count: number;
  readonly indexChecksum: number;
  readonly bloomsChecksum: number;
  readonly minTime: number;
  readonly maxTime: number;
  readonly maxSequence: number;
}

export interface BlockPlace {
  /** Offset in the segment. */
  readonly offset: number;
  readonly length: number;
  readonly rawLength: number;
  readonly checksum: number;
  readonly minTime: number;
  readonly maxTime: number;
  /** Place of its filter within the filters of the run. */
  readonly bloomAt: number;
  readonly bloomLength: number;
  /** A text has `\u` in it, which in JSON may stand for any letter. */
  readonly hasEscapes: boolean;
  /** Numbers of the streams in it, each once. */
  readonly streams: Uint32Array;
}

export function lengthOfRun({ indexLength, bloomsLength, blocksLength }: RunPlace): number {
  return RUN_HEADER + indexLength + bloomsLength + blocksLength;
}

/** Packs sorted events, block by block, so that nobody waits long for the loop. */
export async function packRun(columns: EventColumns): Promise<Buffer> {
  const entries: Buffer[] = [];
  const blooms: Buffer[] = [];
  const blocks: Buffer[] = [];
  let offset = 0;
  let bloomAt = 0;
  for (const { from, to } of cuts(columns)) {
    const part = sliceOf(columns, from, to);
    const bloom = buildBloom(wordHashes(part.bytes, part.ends));
    const { bytes, rawLength, checksum } = await packBlock(part);
    const streams = Uint32Array.from(new Set(part.streams)).sort();
    const entry = Buffer.alloc(ENTRY + streams.length * 4);
    const flags = part.bytes.includes(ESCAPE) ? 1 : 0;
    [offset, bytes.length, rawLength, checksum, part.count, flags, bloomAt, bloom.length].forEach((n, i) => {
      entry.writeUInt32LE(n, i * 4);
    });
    entry.writeDoubleLE(part.times[0] as number, 32);
    entry.writeDoubleLE(part.times[part.count - 1] as number, 40);
    entry.writeUInt32LE(streams.length, 48);
    streams.forEach((stream, i) => {
      entry.writeUInt32LE(stream, ENTRY + i * 4);
    });
    entries.push(entry);
    blooms.push(bloom);
    blocks.push(bytes);
    offset += bytes.length;
    bloomAt += bloom.length;
  }
  const index = Buffer.concat(entries);
  const filters = Buffer.concat(blooms);
  return Buffer.concat([header(columns, index, filters, offset), index, filters, ...blocks]);
}

/** The run whose header this is, or undefined when it is none. */
export function readRunHeader(header: Buffer, offset: number): RunPlace | undefined {
  if (header.length < RUN_HEADER || !header.subarray(0, 4).equals(RUN_MAGIC)) return undefined;
  if (crc32(header.subarray(0, 56)) !== header.readUInt32LE(56)) return undefined;
  const number = (at: number) => header.readUInt32LE(at);
  return {
    offset,
    indexLength: number(4),
    bloomsLength: number(8),
    blocksLength: number(12),
    count: number(16),
    indexChecksum: number(20),
    bloomsChecksum: number(24),
    minTime: header.readDoubleLE(32),
    maxTime: header.readDoubleLE(40),
    maxSequence: header.readDoubleLE(48),
  };
}

/** @throws when the bytes are not what was written. */
export function readIndex(run: RunPlace, bytes: Buffer): BlockPlace[] {
  if (bytes.length !== run.indexLength || crc32(bytes) !== run.indexChecksum) {
    throw new Error('the index of a run of log events is damaged');
  }
  const blocks: BlockPlace[] = [];
  const begin = run.offset + RUN_HEADER + run.indexLength + run.bloomsLength;
  for (let at = 0; at < bytes.length; ) {
    const number = (place: number) => bytes.readUInt32LE(at + place);
    const streams = Uint32Array.from({ length: number(48) }, (_, i) => number(ENTRY + i * 4));
    blocks.push({
      offset: begin + number(0),
      length: number(4),
      rawLength: number(8),
      checksum: number(12),
      hasEscapes: number(20) === 1,
      bloomAt: number(24),
      bloomLength: number(28),
      minTime: bytes.readDoubleLE(at + 32),
      maxTime: bytes.readDoubleLE(at + 40),
      streams,
    });
    at += ENTRY + streams.length * 4;
  }
  return blocks;
}

/** Whether all of a run is there, given all of its bytes. */
export function isWholeRun(run: RunPlace, bytes: Buffer): boolean {
  if (bytes.length < lengthOfRun(run)) return false;
  const index = bytes.subarray(RUN_HEADER, RUN_HEADER + run.indexLength);
  const blooms = bytes.subarray(
    RUN_HEADER + run.indexLength,
    RUN_HEADER + run.indexLength + run.bloomsLength,
  );
  if (crc32(index) !== run.indexChecksum || crc32(blooms) !== run.bloomsChecksum) return false;
  return readIndex(run, index).every(({ offset, length, checksum }) => {
    const at = offset - run.offset;
    return crc32(bytes.subarray(at, at + length)) === checksum;
  });
}

function header(columns: EventColumns, index: Buffer, filters: Buffer, blocksLength: number): Buffer {
  const bytes = Buffer.alloc(RUN_HEADER);
  RUN_MAGIC.copy(bytes);
  const numbers = [index.length, filters.length, blocksLength, columns.count, crc32(index), crc32(filters)];
  numbers.forEach((n, i) => {
    bytes.writeUInt32LE(n, 4 + i * 4);
  });
  bytes.writeDoubleLE(columns.times[0] as number, 32);
  bytes.writeDoubleLE(columns.times[columns.count - 1] as number, 40);
  bytes.writeDoubleLE(
    columns.sequences.reduce((a, b) => Math.max(a, b), 0),
    48,
  );
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 56)), 56);
  return bytes;
}

function* cuts(columns: EventColumns): Generator<{ from: number; to: number }> {
  for (let from = 0; from < columns.count; ) {
    const start = startOf(columns, from);
    let to = from + 1;
    while (to < columns.count && to - from < MOST_EVENTS && (columns.ends[to] as number) - start <= BLOCK) {
      to += 1;
    }
    yield { from, to };
    from = to;
  }
}
