/** Bytes from `start` to `end`, both of them within. */
export interface ByteRange {
  start: number;
  end: number;
}

/** Ranges of one request; who wants more gets everything. */
const MOST = 16;
/** Bytes between two ranges that are sent along: what is said of a part takes as many. */
const GAP = 80;

/**
 * The parts that a Range asks for, of `size` bytes (RFC 9110 §14.1.2), in order and apart from each other. Undefined for what
 * is not to be heeded: another unit, bad syntax, too many; `'unsatisfiable'` where nothing of it lies within.
 */
export function parseRanges(header: string, size: number): ByteRange[] | 'unsatisfiable' | undefined {
  const match = /^bytes[\t ]*=(.*)$/i.exec(header.trim());
  const specs = match?.[1]?.split(',', MOST + 1).map((spec) => spec.trim());
  if (!specs || specs.length > MOST) return undefined;
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const [, first, last] = /^(\d{0,15})-(\d{0,15})$/.exec(spec) ?? [];
    if (first === undefined || last === undefined || (first === '' && last === '')) return undefined;
    if (first !== '' && last !== '' && Number(first) > Number(last)) return undefined;
    const range =
      first === ''
        ? { start: Math.max(0, size - Number(last)), end: size - 1 }
        : { start: Number(first), end: Math.min(last === '' ? size - 1 : Number(last), size - 1) };
    if (range.start <= range.end && (first !== '' || Number(last) > 0)) ranges.push(range);
  }
  return ranges.length === 0 ? 'unsatisfiable' : joined(ranges);
}

function joined(ranges: ByteRange[]): ByteRange[] {
  const result: ByteRange[] = [];
  for (const range of ranges.sort((left, right) => left.start - right.start)) {
    const before = result.at(-1);
    if (before && range.start <= before.end + GAP) before.end = Math.max(before.end, range.end);
    else result.push({ ...range });
  }
  return result;
}
