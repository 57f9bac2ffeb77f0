import { validateHeaderName } from 'node:http';
import type { Complain } from '../complain.ts';

/** Of every answer: nothing is guessed, framed, loaded from or leaked to other sites, and no script runs but the site's files. */
const ALWAYS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'content-security-policy':
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
  // With 'no-referrer' a form of our own would come from nowhere, as one of another site may.
  'referrer-policy': 'same-origin',
};
/** What tells where a message ends, and what belongs to one answer, is not for all of them. */
const OURS = new Set([
  ...['connection', 'content-length', 'content-type', 'date', 'keep-alive', 'set-cookie'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade'],
]);

/**
 * The headers of every answer: ours, with the maker's in their place; an empty one takes away.
 *
 * @throws what `complain` makes of a name that is none, or not the maker's to set.
 */
export function answerHeaders(
  own: Readonly<Record<string, string>>,
  complain: Complain,
): Readonly<Record<string, string>> {
  const headers: Record<string, string> = { ...ALWAYS };
  for (const [written, value] of Object.entries(own)) {
    const name = written.toLowerCase();
    if (!isHeaderName(name)) throw complain(['headers', written], 'is no name of a header');
    if (OURS.has(name)) throw complain(['headers', written], 'is set by the server itself');
    if (value === '') delete headers[name];
    else headers[name] = value;
  }
  return headers;
}

function isHeaderName(name: string): boolean {
  try {
    validateHeaderName(name);
    return true;
  } catch {
    return false;
  }
}
