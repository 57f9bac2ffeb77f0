import type { LogMatcher, LogPosition } from '../../../ports/log-store.ts';
import { mayHave } from './bloom.ts';
import type { Breath } from './breath.ts';
import { type EventColumns, firstAtOrAfter, indexOfByte, startOf, textOf } from './event-columns.ts';
import { wordHash } from './words.ts';

/** One event that was found. */
export interface Hit extends LogPosition {
  stream: number;
  message: string;
  /** Bytes that it counts in a page. */
  size: number;
}

/** What is looked for, in the terms of the store. */
export interface Wanted {
  /** Numbers of streams; all when absent. */
  streams?: ReadonlySet<number>;
  from: number;
  /** Exclusive. */
  to: number;
  backward: boolean;
  after?: LogPosition;
  matcher?: PreparedMatcher;
}

export interface PreparedMatcher extends Pick<LogMatcher, 'match' | 'spent' | 'ofJson'> {
  hashes: readonly (readonly number[])[];
  literal: Buffer | undefined;
}

/** Bytes that an event has in a page beside its text, as CloudWatch counts them. */
const OVERHEAD = 26;

const ESCAPE = Buffer.from('\\u');

export function prepare({ match, spent, mustHave, literal, ofJson }: LogMatcher): PreparedMatcher {
  return {
    ...{ match, ofJson },
    ...(spent ? { spent } : {}),
    hashes: mustHave.map((words) => words.map(wordHash)),
    literal: literal === undefined || literal === '' ? undefined : Buffer.from(literal),
  };
}

/** False when no text under this filter can be wanted. */
export function mayMatch({ hashes, ofJson }: PreparedMatcher, bloom: Buffer, hasEscapes: boolean): boolean {
  if (ofJson && hasEscapes) return true;
  return hashes.every((words) => words.some((hash) => mayHave(bloom, hash)));
}

/** Those of the events that are wanted, in their order. */
export async function hitsIn(columns: EventColumns, wanted: Wanted, breath: Breath): Promise<Hit[]> {
  const from = firstAtOrAfter(columns, wanted.from);
  const to = firstAtOrAfter(columns, wanted.to);
  if (from >= to) return [];
  const literal = literalFor(columns, wanted);
  const hits: Hit[] = [];
  const indexes = literal ? withLiteral(columns, literal, from, to) : everyOne(from, to);
  for (const index of indexes) {
    const hit = hitAt(columns, wanted, index);
    if (hit) hits.push(hit);
    const work = wanted.matcher?.spent?.() ?? 0;
    const pause = breath.after((columns.ends[index] as number) - startOf(columns, index) + work);
    if (pause) await pause;
  }
  return hits;
}

/** Text that every wanted event has in it, byte for byte. */
function literalFor({ bytes }: EventColumns, { matcher }: Wanted): Buffer | undefined {
  if (!matcher?.literal) return undefined;
  return matcher.ofJson && bytes.includes(ESCAPE) ? undefined : matcher.literal;
}

function* everyOne(from: number, to: number): Generator<number> {
  for (let i = from; i < to; i += 1) yield i;
}

/** Looks for the literal in all texts at once: most of them are never made a string. */
function* withLiteral(columns: EventColumns, literal: Buffer, from: number, to: number): Generator<number> {
  const { bytes, ends } = columns;
  const end = ends[to - 1] as number;
  let at = bytes.indexOf(literal, startOf(columns, from));
  while (at >= 0 && at + literal.length <= end) {
    const index = indexOfByte(columns, at);
    // It may reach over the end of a text into the next: that is none.
    const isWithin = at + literal.length <= (ends[index] as number);
    if (isWithin) yield index;
    at = bytes.indexOf(literal, isWithin ? ends[index] : at + 1);
  }
}

function hitAt(columns: EventColumns, wanted: Wanted, index: number): Hit | undefined {
  const stream = columns.streams[index] as number;
  if (wanted.streams && !wanted.streams.has(stream)) return undefined;
  const time = columns.times[index] as number;
  const sequence = columns.sequences[index] as number;
  if (!isBehind(wanted, time, sequence)) return undefined;
  const message = textOf(columns, index);
  if (wanted.matcher && !wanted.matcher.match(message)) return undefined;
  const size = (columns.ends[index] as number) - startOf(columns, index) + OVERHEAD;
  return { time, sequence, stream, message, size };
}

function isBehind({ after, backward }: Wanted, time: number, sequence: number): boolean {
  if (!after) return true;
  const step = time - after.time || sequence - after.sequence;
  return backward ? step < 0 : step > 0;
}
