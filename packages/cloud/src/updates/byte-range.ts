import type { ByteRange } from '../ports/blob-store.ts';

/**
 * What a Range header asks of content of `size` bytes (RFC 9110 §14): a range, `all` where it is to be ignored, or `none` where
 * nothing of the content lies in it. Several ranges at once are ignored, as a server may.
 */
export function rangeOf(header: string | undefined, size: number): ByteRange | 'all' | 'none' {
  const match = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '');
  if (!match) return 'all';
  const [, from = '', to = ''] = match;
  if (from === '' && to === '') return 'all';
  if (from === '') {
    const length = Math.min(Number(to), size);
    return length === 0 ? 'none' : { first: size - length, last: size - 1 };
  }
  const first = Number(from);
  const last = to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (to !== '' && Number(to) < first) return 'all';
  return first >= size ? 'none' : { first, last };
}
