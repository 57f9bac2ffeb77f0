import { LONGEST_EVENT } from './batch.ts';
import type { LineRule } from './line-rule.ts';

const FEED = 0x0a;
const RETURN = 0x0d;

/** Bytes that are looked at together: any event that is not cut lies in them, whole. */
export const WINDOW = 256 * 1024;

export interface Scanned {
  /** Where the first event begins that was not taken. */
  at: number;
  /** There was no room for that event. */
  isFull: boolean;
}

/**
 * Finds the events in the first `length` bytes of a buffer, the first of which begins an event, and hands each over with
 * its place, without its line feed.
 *
 * @param final nothing follows for now: what is there is an event, complete or not
 * @param take false when it has no room; it is offered again by the next scan
 */
export function scanEvents(
  buffer: Buffer,
  length: number,
  rule: LineRule,
  final: boolean,
  take: (start: number, end: number) => boolean,
): Scanned {
  let start = 0;
  // Where the last line of the event ends that may still go on; -1: it has none yet.
  let complete = -1;
  let from = 0;
  for (;;) {
    const feed = from < length ? buffer.indexOf(FEED, from) : -1;
    if (feed === -1 || feed >= length) break;
    if (complete !== -1 && feed - start > LONGEST_EVENT) {
      if (!offer(buffer, start, complete, take)) return { at: start, isFull: true };
      start = complete + 1;
    }
    const next = feed + 1;
    if (rule.mayContinue) {
      complete = feed;
      if (next >= length) break;
      if (rule.continues(buffer, next, length)) {
        from = next;
        continue;
      }
    }
    if (!offer(buffer, start, feed, take)) return { at: start, isFull: true };
    start = next;
    from = next;
    complete = -1;
  }
  while (final && start < length) {
    const end = endOfEvent(start, length, complete, rule);
    if (!offer(buffer, start, buffer[end - 1] === FEED ? end - 1 : end, take))
      return { at: start, isFull: true };
    start = end < length && buffer[end] === FEED ? end + 1 : end;
    complete = -1;
  }
  // An event that fills the window goes on in another.
  if (length - start >= LONGEST_EVENT && (complete !== -1 || rule.isOneEvent)) {
    const end = complete === -1 ? start + LONGEST_EVENT : complete;
    if (!offer(buffer, start, end, take)) return { at: start, isFull: true };
    start = complete === -1 ? end : end + 1;
  }
  return { at: start, isFull: false };
}

/** Where the last event ends: with all that there is, or earlier where that is too much for one. */
function endOfEvent(start: number, length: number, complete: number, rule: LineRule): number {
  if (length - start <= LONGEST_EVENT) return length;
  if (complete > start) return complete;
  return rule.isOneEvent ? start + LONGEST_EVENT : length;
}

function offer(
  buffer: Buffer,
  start: number,
  end: number,
  take: (start: number, end: number) => boolean,
): boolean {
  return take(start, end > start && buffer[end - 1] === RETURN ? end - 1 : end);
}
