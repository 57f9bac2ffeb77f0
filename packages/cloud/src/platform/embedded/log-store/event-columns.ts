import type { LogEvent } from '../../../ports/log-store.ts';

/**
 * Events side by side: a search looks through the bytes of many texts at once, and makes no object of an event before it is
 * wanted. In the order of (time, sequence).
 */
export interface EventColumns {
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly times: Float64Array;
  /** Numbers of arrival, see `firstSequence`. */
  readonly sequences: Float64Array;
  /** Numbers of streams. */
  readonly streams: Uint32Array;
  /** Where the text of each ends in `bytes`; it begins where the one before ends. */
  readonly ends: Uint32Array;
  /** UTF-8 */
  readonly bytes: Buffer;
}

/** Numbers of arrival in each millisecond: the time of arrival is in the number, and goes on where a burst has more. */
const PER_MILLISECOND = 1000;

/** The lowest number for events that arrive now, given the last one that was used. */
export function firstSequence(now: number, last: number): number {
  return Math.max(last + 1, Math.floor(now) * PER_MILLISECOND);
}

/** Milliseconds since 1970. */
export function arrivalOf(sequence: number): number {
  return Math.floor(sequence / PER_MILLISECOND);
}

export function startOf({ ends }: EventColumns, index: number): number {
  return index === 0 ? 0 : (ends[index - 1] as number);
}

export function textOf(columns: EventColumns, index: number): string {
  return columns.bytes.toString('utf8', startOf(columns, index), columns.ends[index]);
}

/** Bytes that one set of columns takes beside its events: four arrays with their memory, and a buffer. */
const COLUMNS = 1000;

/** Bytes of memory that they take. */
export function sizeOf({ count, bytes }: EventColumns): number {
  return COLUMNS + bytes.length + count * 24;
}

/** Columns with room for so many events, over bytes that are there already. */
export function columnsFor(count: number, bytes: Buffer): EventColumns {
  return {
    count,
    times: new Float64Array(count),
    sequences: new Float64Array(count),
    streams: new Uint32Array(count),
    ends: new Uint32Array(count),
    bytes,
  };
}

/** Bytes of the texts together. */
export function textBytes(events: readonly LogEvent[]): number {
  let sum = 0;
  for (const { message } of events) sum += Buffer.byteLength(message);
  return sum;
}

/** One set of columns of several, sorted; an empty one of none. */
export function sortedTogether(parts: readonly EventColumns[]): EventColumns {
  const [only] = parts;
  if (only && parts.length === 1) return only;
  const count = parts.reduce((sum, part) => sum + part.count, 0);
  const joined = columnsFor(count, Buffer.concat(parts.map(({ bytes }) => bytes)));
  let at = 0;
  let offset = 0;
  for (const part of parts) {
    joined.times.set(part.times, at);
    joined.sequences.set(part.sequences, at);
    joined.streams.set(part.streams, at);
    for (let i = 0; i < part.count; i += 1) joined.ends[at + i] = (part.ends[i] as number) + offset;
    at += part.count;
    offset += part.bytes.length;
  }
  return isSorted(joined) ? joined : sorted(joined);
}

/** The events from one index to another, the texts as a view. */
export function sliceOf(columns: EventColumns, from: number, to: number): EventColumns {
  const start = startOf(columns, from);
  const end = to === 0 ? 0 : (columns.ends[to - 1] as number);
  return {
    count: to - from,
    times: columns.times.subarray(from, to),
    sequences: columns.sequences.subarray(from, to),
    streams: columns.streams.subarray(from, to),
    ends: columns.ends.slice(from, to).map((at) => at - start),
    bytes: columns.bytes.subarray(start, end),
  };
}

/** The first index whose time is not below this one. */
export function firstAtOrAfter({ times, count }: EventColumns, time: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The event that a byte belongs to. */
export function indexOfByte({ ends, count }: EventColumns, at: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ends[middle] as number) <= at) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isSorted(columns: EventColumns): boolean {
  for (let i = 1; i < columns.count; i += 1) if (compare(columns, i - 1, i) > 0) return false;
  return true;
}

function compare({ times, sequences }: EventColumns, a: number, b: number): number {
  return (times[a] as number) - (times[b] as number) || (sequences[a] as number) - (sequences[b] as number);
}

function sorted(columns: EventColumns): EventColumns {
  const order = Uint32Array.from({ length: columns.count }, (_, i) => i);
  order.sort((a, b) => compare(columns, a, b));
  const result = columnsFor(columns.count, Buffer.allocUnsafe(columns.bytes.length));
  let end = 0;
  for (let i = 0; i < order.length; i += 1) {
    const from = order[i] as number;
    result.times[i] = columns.times[from] as number;
    result.sequences[i] = columns.sequences[from] as number;
    result.streams[i] = columns.streams[from] as number;
    end += columns.bytes.copy(result.bytes, end, startOf(columns, from), columns.ends[from]);
    result.ends[i] = end;
  }
  return result;
}
