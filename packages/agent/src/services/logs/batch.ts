import { isUtf8 } from 'node:buffer';
import { escapedLength, escapeInto } from './escape.ts';

/** What one PutLogEvents may hold (CloudWatch Logs). */
export const MOST_EVENTS = 10_000;
export const MOST_BYTES = 1_048_576;
/** Bytes that the cloud counts for an event beside those of its message. */
const EVENT_OVERHEAD = 26;
/** The events of a batch lie within a day, in milliseconds. */
const LONGEST_SPAN = 24 * 3_600_000 - 1;
/** Bytes of the longest message that is sent; the cloud takes 256 KiB with its overhead. */
export const LONGEST_EVENT = 250 * 1024;
/** A message may grow sixfold by escapes, and one that is alone must have room. */
const ROOM = LONGEST_EVENT * 6 + 4096;

const BEFORE_TIME = Buffer.from('{"timestamp":');
const BEFORE_MESSAGE = Buffer.from(',"message":"');
const AFTER_MESSAGE = Buffer.from('"},');
/** Bytes around a message. */
const AROUND = BEFORE_TIME.length + 16 + BEFORE_MESSAGE.length + AFTER_MESSAGE.length + 64;

export interface BatchTarget {
  group: string;
  stream: string;
}

export interface BatchLimits {
  maxEvents: number;
  maxSize: number;
}

/**
 * Events on their way into one PutLogEvents, written as its JSON at once: a line is copied once, from where it was read
 * to where it is sent from, and no object is made for it.
 */
export class Batch {
  readonly #body = Buffer.allocUnsafeSlow(ROOM);
  /** `{"timestamp":N,"message":"` of the latest time, which many lines have in common. */
  #head = Buffer.alloc(0);
  #headTime = Number.NaN;
  #at = 0;
  #limits: BatchLimits = { maxEvents: MOST_EVENTS, maxSize: MOST_BYTES };
  #until = Number.POSITIVE_INFINITY;
  target: BatchTarget = { group: '', stream: '' };
  /** Fewer events than the source would send together: the cloud would not take as many. */
  most = MOST_EVENTS;
  count = 0;
  /** Bytes as the cloud counts them. */
  bytes = 0;
  /** Times of the first and the last event. */
  first = 0;
  last = 0;

  /** Begins anew. `until`: an event of that time, or later, is not taken. */
  begin(target: BatchTarget, limits: BatchLimits, until: number): void {
    this.target = target;
    this.#limits = { ...limits, maxEvents: Math.min(limits.maxEvents, this.most) };
    this.#until = until;
    this.count = 0;
    this.bytes = 0;
    const { group, stream } = target;
    const names = JSON.stringify({ logGroupName: group, logStreamName: stream });
    this.#at = this.#body.write(`${names.slice(0, -1)},"logEvents":[`, 0);
  }

  /**
   * Adds a message, the bytes of `source` from `start` to `end`. What is not UTF-8, and NUL, becomes U+FFFD; what is
   * too long is cut, and says so; an empty one is left out, since the cloud takes none.
   *
   * @param cut bytes that followed and were left out
   * @returns false when the event belongs into the next batch
   */
  add(time: number, source: Uint8Array, start: number, end: number, cut = 0): boolean {
    if (end <= start) return true;
    // Events must be in order; a clock that was set back must not lose lines.
    const timestamp = this.count === 0 ? time : Math.max(time, this.last);
    if (this.count > 0 && !this.#hasRoomFor(timestamp, source, start, end)) return false;
    if (end - start > LONGEST_EVENT) {
      const whole = end - start + cut;
      const kept = wholeCharacters(source, start, start + LONGEST_EVENT);
      return this.add(time, source, start, kept, whole - (kept - start));
    }
    const before = this.#at;
    const { at, hasHigh, nuls } = escapeInto(this.#body, this.#openEvent(timestamp), source, start, end);
    // A NUL has become three bytes.
    let size = end - start + 2 * nuls;
    if (size > LONGEST_EVENT || (hasHigh && !isUtf8(source.subarray(start, end)))) {
      return this.#addCleaned(time, source.subarray(start, end), cut);
    }
    this.#at = at;
    if (cut > 0) size += this.#append(` …[cut ${cut} bytes]`);
    if (this.count > 0 && this.bytes + size + EVENT_OVERHEAD > this.#limits.maxSize) {
      this.#at = before;
      return false;
    }
    AFTER_MESSAGE.copy(this.#body, this.#at);
    this.#at += AFTER_MESSAGE.length;
    if (this.count === 0) this.first = timestamp;
    this.last = timestamp;
    this.count += 1;
    this.bytes += size + EVENT_OVERHEAD;
    return true;
  }

  addText(time: number, text: string): boolean {
    const bytes = Buffer.from(text);
    return this.add(time, bytes, 0, bytes.length);
  }

  /** The body of PutLogEvents; a view that holds until the next `begin`. */
  body(): Uint8Array {
    // The last event's comma gives way to the end.
    const end = this.#at - 1;
    this.#body.write(']}', end);
    return this.#body.subarray(0, end + 2);
  }

  #hasRoomFor(timestamp: number, source: Uint8Array, start: number, end: number): boolean {
    if (this.count >= this.#limits.maxEvents) return false;
    if (timestamp - this.first > LONGEST_SPAN || timestamp >= this.#until) return false;
    const length = Math.min(end - start, LONGEST_EVENT);
    if (this.bytes + length + EVENT_OVERHEAD > this.#limits.maxSize) return false;
    const room = ROOM - this.#at - AROUND;
    return length * 6 <= room || escapedLength(source, start, start + length) <= room;
  }

  /** Text that is not UTF-8, or has many NULs: rare enough to go by way of a string. */
  #addCleaned(time: number, bytes: Uint8Array, cut: number): boolean {
    const clean = Buffer.from(new TextDecoder().decode(bytes).replaceAll('\0', '\ufffd'));
    return this.add(time, clean, 0, clean.length, cut);
  }

  /** Writes what stands before a message; returns where that begins. */
  #openEvent(timestamp: number): number {
    if (timestamp !== this.#headTime) {
      this.#headTime = timestamp;
      this.#head = Buffer.concat([BEFORE_TIME, Buffer.from(String(Math.trunc(timestamp))), BEFORE_MESSAGE]);
    }
    this.#head.copy(this.#body, this.#at);
    return this.#at + this.#head.length;
  }

  #append(text: string): number {
    const size = this.#body.write(text, this.#at);
    this.#at += size;
    return size;
  }
}

/** Where to cut so that no character is cut in two. */
function wholeCharacters(source: Uint8Array, start: number, end: number): number {
  let at = end;
  while (at > start && end - at < 4 && ((source[at] ?? 0) & 0xc0) === 0x80) at -= 1;
  return at > start ? at : end;
}
