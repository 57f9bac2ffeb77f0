const LENGTH = '2026-01-01T00:00:00.000Z'.length;
/** Days up to the 28th are in every month. */
const CANONICAL = /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/**
 * True for a text that is as `toISOString` writes its time, so that no date need be made to know it. False for other
 * texts, and for some that are: those at the end of a month.
 */
export function isCanonicalTime(text: string): boolean {
  return text.length === LENGTH && CANONICAL.test(text);
}
