/** Tags of a list such as `"a", W/"b"`, `*` for any; undefined for what is no list of tags (RFC 9110 §8.8.3). */
export function parseEntityTags(text: string): '*' | string[] | undefined {
  if (text.trim() === '*') return '*';
  const tags: string[] = [];
  // Commas may stand in a tag, and several in a row between two.
  const piece = /[\t ]*(?:((?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")[\t ]*)?(,|$)/y;
  while (piece.lastIndex < text.length) {
    const match = piece.exec(text);
    if (!match) return undefined;
    if (match[1] !== undefined) tags.push(match[1]);
  }
  return tags;
}

/** Both name the same bytes. */
export function isStrongMatch(left: string, right: string): boolean {
  return left === right && !left.startsWith('W/');
}

/** Both name what is the same for whoever reads it. */
export function isWeakMatch(left: string, right: string): boolean {
  return left.replace(/^W\//, '') === right.replace(/^W\//, '');
}
