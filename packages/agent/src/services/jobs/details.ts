import { JOB_LIMITS } from '@ioto/protocol';

/** What AWS takes of one value of statusDetails: so many characters, and none that controls. */
const FOREIGN_VALUE = 1024;

/** The details of an outcome as the cloud takes them: the ends of long texts, where what matters usually is. */
export function detailsFor(
  details: Readonly<Record<string, string>>,
  isCloudOurs: boolean,
): Record<string, string> {
  const pairs = Object.entries(details).filter(([, value]) => value !== '');
  const fitting = pairs.map(([name, value]): [string, string] => [
    name,
    isCloudOurs ? lastBytes(value, JOB_LIMITS.value) : foreign(value),
  ]);
  return Object.fromEntries(fitting.slice(0, JOB_LIMITS.pairs));
}

function foreign(value: string): string {
  return value.replace(/\p{C}+/gu, ' ').slice(-FOREIGN_VALUE);
}

/** The end of a text, of at most so many bytes of UTF-8. */
export function lastBytes(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  let start = bytes.length - most;
  // Not in the middle of a character.
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return bytes.subarray(start).toString('utf8');
}
