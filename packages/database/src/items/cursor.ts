import { fail } from '../errors.ts';

/** The parts of a place between two items as one text: opaque to callers, and printable so that it can travel. */
export function encodeCursor(parts: readonly string[]): string {
  if (parts.length === 1) return `${parts[0]?.length}:${parts[0]}`;
  return `${parts.map((part) => part.length).join('.')}:${parts.join('')}`;
}

/** @throws CURSOR_INVALID for what is no cursor of this many parts. */
export function decodeCursor(cursor: string, count: number): string[] {
  const match = /^(\d{1,5}(?:\.\d{1,5}){0,3}):/.exec(cursor);
  const lengths = (match?.[1] ?? '').split('.').map(Number);
  const total = lengths.reduce((sum, length) => sum + length, match?.[0].length ?? 0);
  if (!match || lengths.length !== count || total !== cursor.length) {
    throw fail('CURSOR_INVALID', 'next and prev must come from a page of the same find');
  }
  let position = match[0].length;
  return lengths.map((length) => {
    position += length;
    return cursor.slice(position - length, position);
  });
}
