import { promisify } from 'node:util';
import { crc32, deflateRaw, inflateRaw } from 'node:zlib';
import type { EventColumns } from './event-columns.ts';

const deflate = promisify(deflateRaw);
const inflate = promisify(inflateRaw);

/** The fastest level packs log lines to about a sixth; a higher one takes several times as long for little. */
const LEVEL = 1;

export interface PackedBlock {
  bytes: Buffer;
  rawLength: number;
  checksum: number;
}

/**
 * Packs events, on another thread. A block holds its columns one after the other, as variable-length numbers: steps of time,
 * of arrival, streams, lengths; then the texts.
 */
export async function packBlock(columns: EventColumns): Promise<PackedBlock> {
  const numbers = new NumberWriter(columns.count);
  numbers.write(columns.count);
  let time = 0;
  let sequence = 0;
  let end = 0;
  for (let i = 0; i < columns.count; i += 1) {
    numbers.writeSigned((columns.times[i] as number) - time);
    time = columns.times[i] as number;
  }
  for (let i = 0; i < columns.count; i += 1) {
    numbers.writeSigned((columns.sequences[i] as number) - sequence);
    sequence = columns.sequences[i] as number;
  }
  for (let i = 0; i < columns.count; i += 1) numbers.write(columns.streams[i] as number);
  for (let i = 0; i < columns.count; i += 1) {
    numbers.write((columns.ends[i] as number) - end);
    end = columns.ends[i] as number;
  }
  const raw = Buffer.concat([numbers.bytes, columns.bytes]);
  const bytes = await deflate(raw, { level: LEVEL });
  return { bytes, rawLength: raw.length, checksum: crc32(bytes) };
}

/** @throws when the bytes are not what was packed. */
export async function unpackBlock({ bytes, rawLength, checksum }: PackedBlock): Promise<EventColumns> {
  if (crc32(bytes) !== checksum) throw new Error('a block of log events is damaged');
  // In one piece: a block is small, and its length is known.
  const raw = await inflate(bytes, { chunkSize: Math.max(64, rawLength + 1), maxOutputLength: rawLength });
  const numbers = new NumberReader(raw);
  const count = numbers.read();
  const times = new Float64Array(count);
  const sequences = new Float64Array(count);
  const streams = new Uint32Array(count);
  const ends = new Uint32Array(count);
  numbers.readSums(times);
  numbers.readSums(sequences);
  for (let i = 0; i < count; i += 1) streams[i] = numbers.read();
  let end = 0;
  for (let i = 0; i < count; i += 1) {
    end += numbers.read();
    ends[i] = end;
  }
  return { count, times, sequences, streams, ends, bytes: raw.subarray(numbers.at) };
}

/** Whole numbers up to 2^53 in groups of seven bits, the lowest first. */
class NumberWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(events: number) {
    this.#buffer = Buffer.allocUnsafe(64 + events * 24);
  }

  write(value: number): void {
    if (this.#at + 10 > this.#buffer.length) {
      this.#buffer = Buffer.concat([this.#buffer, Buffer.allocUnsafe(this.#buffer.length)]);
    }
    let rest = value;
    while (rest >= 128) {
      this.#buffer[this.#at] = (rest % 128) | 128;
      this.#at += 1;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#at] = rest;
    this.#at += 1;
  }

  writeSigned(value: number): void {
    this.write(value < 0 ? -value * 2 - 1 : value * 2);
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#at);
  }
}

class NumberReader {
  readonly #bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  read(): number {
    let byte = this.#bytes[this.at] as number;
    this.at += 1;
    let value = byte & 127;
    for (let weight = 128; byte >= 128; weight *= 128) {
      byte = this.#bytes[this.at] as number;
      this.at += 1;
      value += (byte & 127) * weight;
    }
    return value;
  }

  /** Fills with the sums of steps. */
  readSums(into: Float64Array): void {
    let sum = 0;
    for (let i = 0; i < into.length; i += 1) {
      const step = this.read();
      sum += step % 2 === 1 ? -(step + 1) / 2 : step / 2;
      into[i] = sum;
    }
  }
}
