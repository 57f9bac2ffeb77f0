import type { IncomingHttpHeaders } from 'node:http';
import { isStrongMatch, isWeakMatch, parseEntityTags } from './entity-tag.ts';

/** What lies at a path now. */
export interface Representation {
  /** With its quotes. */
  etag: string;
  /** Milliseconds since 1970. */
  modified: number;
}

/** What the conditions of a request make of it: it goes on, its answer is known already, or it is not meant for what is there. */
export type Verdict = 'go on' | 'not modified' | 'failed';

/**
 * Weighs the conditions of a request, in the order of RFC 9110 §13.2.2. What is no date or no list of tags counts as if it
 * were not there, but for If-Match: who asks for a condition does not mean "in any case".
 *
 * @param current undefined where nothing is there
 */
export function weighConditions(
  method: string,
  headers: IncomingHttpHeaders,
  current: Representation | undefined,
): Verdict {
  const isRead = method === 'GET' || method === 'HEAD';
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, current, isStrongMatch)) return 'failed';
  } else {
    const since = dateOf(headers['if-unmodified-since']);
    if (since !== undefined && current && seconds(current.modified) > since) return 'failed';
  }
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined && parseEntityTags(ifNoneMatch) !== undefined) {
    if (!matches(ifNoneMatch, current, isWeakMatch)) return 'go on';
    return isRead ? 'not modified' : 'failed';
  }
  const since = isRead ? dateOf(headers['if-modified-since']) : undefined;
  return since !== undefined && current && seconds(current.modified) <= since ? 'not modified' : 'go on';
}

/**
 * Whether a Range counts: without If-Range it does; with one only where that names these very bytes (RFC 9110 §13.1.5), by a
 * strong tag or by the date of a file that had been left alone for a second when it was told.
 */
export function rangeCounts(ifRange: string | undefined, current: Representation, now: number): boolean {
  if (ifRange === undefined) return true;
  if (/^(?:W\/)?"/.test(ifRange)) return isStrongMatch(ifRange, current.etag);
  return dateOf(ifRange) === seconds(current.modified) && now - current.modified >= 1000;
}

function matches(
  list: string,
  current: Representation | undefined,
  alike: (left: string, right: string) => boolean,
): boolean {
  const tags = parseEntityTags(list);
  if (!current || tags === undefined) return false;
  return tags === '*' || tags.some((tag) => alike(tag, current.etag));
}

const DATE = /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/;

/** Whole seconds since 1970; undefined for what is no date of HTTP. */
function dateOf(text: string | undefined): number | undefined {
  if (text === undefined || !DATE.test(text)) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time / 1000;
}

function seconds(time: number): number {
  return Math.floor(time / 1000);
}
