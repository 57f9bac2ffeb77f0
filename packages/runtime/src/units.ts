import { CodedError } from './errors.ts';

const TIME_UNITS: Record<string, number> = {
  ms: 1,
  msec: 1,
  msecs: 1,
  millisecond: 1,
  milliseconds: 1,
  s: 1000,
  sec: 1000,
  secs: 1000,
  second: 1000,
  seconds: 1000,
  m: 60_000,
  min: 60_000,
  mins: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hrs: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
  w: 604_800_000,
  week: 604_800_000,
  weeks: 604_800_000,
  month: 2_592_000_000,
  months: 2_592_000_000,
  year: 31_536_000_000,
  years: 31_536_000_000,
};

const SIZE_UNITS: Record<string, number> = {
  b: 1,
  byte: 1,
  bytes: 1,
  k: 1024,
  kb: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1024 ** 3,
};

/**
 * Milliseconds of a time such as `'15secs'`, `'24 hrs'`, `'never'` or a bare number, which counts seconds.
 * `'never'` and `'unlimited'` are Infinity. Throws `UNITS_TIME` for anything else.
 */
export function parseTime(value: string | number): number {
  return parse(value, TIME_UNITS, 1000, 'UNITS_TIME', `a time such as '15secs', '2 hrs' or 'never'`);
}

/** Bytes of a size such as `'10k'`, `'1mb'`, `'unlimited'` or a bare number of bytes. Throws `UNITS_SIZE` for anything else. */
export function parseSize(value: string | number): number {
  return parse(value, SIZE_UNITS, 1, 'UNITS_SIZE', `a size such as '10k', '1mb' or 'unlimited'`);
}

/** A number such as `'100'`, `'unlimited'` or a bare whole number. Throws `UNITS_COUNT` for anything else. */
export function parseCount(value: string | number): number {
  const number = parse(value, {}, 1, 'UNITS_COUNT', "a whole number or 'unlimited'");
  if (Number.isInteger(number) || number === Number.POSITIVE_INFINITY) return number;
  throw new CodedError('UNITS_COUNT', `${JSON.stringify(value)} is not a whole number`);
}

function parse(
  value: string | number,
  units: Record<string, number>,
  bare: number,
  code: string,
  expected: string,
): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value * bare;
  if (typeof value === 'string') {
    const text = value.trim().toLowerCase();
    if (text === 'never' || text === 'unlimited' || text === 'forever' || text === 'infinite')
      return Number.POSITIVE_INFINITY;
    const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/.exec(text);
    const unit =
      match?.[2] === ''
        ? bare
        : Object.hasOwn(units, match?.[2] ?? ' ')
          ? units[match?.[2] ?? '']
          : undefined;
    if (match && unit !== undefined) return Number(match[1]) * unit;
  }
  throw new CodedError(code, `${JSON.stringify(value)} is not ${expected}`);
}
