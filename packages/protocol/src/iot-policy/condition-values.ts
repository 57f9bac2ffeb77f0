import { compileGlob, type GlobPart } from './glob.ts';
import { parseIpRange } from './ip-range.ts';
import { policyInvalid, quoted } from './policy-error.ts';
import { fillIn, isVariable, parseTemplate, type SubjectValues } from './policy-variables.ts';

/**
 * Whether one value of a condition is met by what the subject has; undefined when the value holds a variable that the subject
 * has nothing for.
 */
export type ValueTest = (actual: string, values: SubjectValues) => boolean | undefined;

/** The value `*` stands for itself. */
export function equalTo(value: string, where: string): ValueTest {
  const template = parseTemplate(value, where, 'no wildcards');
  return (actual, values) => {
    const parts = fillIn(template, values);
    return parts && parts.join('') === actual;
  };
}

/** As `equalTo`, whatever the case of letters. */
export function equalToIgnoringCase(value: string, where: string): ValueTest {
  const template = parseTemplate(value, where, 'no wildcards');
  return (actual, values) => {
    const parts = fillIn(template, values);
    return parts && parts.join('').toLowerCase() === actual.toLowerCase();
  };
}

/** With `*` and `?`. */
export function like(value: string, where: string): ValueTest {
  const template = parseTemplate(value, where, 'wildcards');
  const constant = template.every((part) => !isVariable(part)) && compileGlob(template as GlobPart[]);
  return (actual, values) => {
    if (constant) return constant.matches(actual);
    const parts = fillIn(template, values);
    return parts && compileGlob(parts).matches(actual);
  };
}

/** `true` or `false`. */
export function flag(value: string, where: string): ValueTest {
  const wanted = value.toLowerCase();
  if (wanted !== 'true' && wanted !== 'false') {
    throw policyInvalid(where, `must be true or false, not ${quoted(value)}`);
  }
  return (actual) => actual === wanted;
}

/** An address or a range of addresses. */
export function withinRange(value: string, where: string): ValueTest {
  const range = parseIpRange(value);
  if (!range) {
    throw policyInvalid(
      where,
      `${quoted(value)} is not an IP address or a range such as 192.0.2.0/24 or 2001:db8::/32`,
    );
  }
  return range;
}

/** Seconds since 1970. */
export function parseSeconds(value: string, where: string): number {
  if (/^\d{1,15}(?:\.\d{1,9})?$/.test(value)) return Number(value);
  throw policyInvalid(where, `must be seconds since 1970 such as 1767225600, not ${quoted(value)}`);
}

const DATE = /^(\d{4}-\d\d-\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * Seconds since 1970 of a date of ISO 8601, or of seconds. A date alone is its midnight in UTC. Digits are seconds only when
 * they cannot be meant as a year or a date without hyphens.
 */
export function parseDate(value: string, where: string): number {
  if (/^\d{9,12}$/.test(value)) return Number(value);
  const day = DATE.exec(value)?.[1];
  const time = day === undefined ? Number.NaN : Date.parse(value);
  // The parser takes February 30 for March 1.
  if (day === undefined || Number.isNaN(time) || !isDay(day)) {
    throw policyInvalid(
      where,
      `${quoted(value)} is not a date such as 2026-01-31T12:00:00Z, nor seconds since 1970`,
    );
  }
  return time / 1000;
}

function isDay(day: string): boolean {
  const time = Date.parse(day);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
}
