import type { MetricDimensions } from '@ioto/protocol';
import { invalid, missing } from './errors.ts';

export type Input = Readonly<Record<string, unknown>>;

/** AWS's limits; times in milliseconds. */
export const LIMITS = {
  name: 255,
  dimensions: 30,
  dimensionValue: 1024,
  data: 1000,
  values: 150,
  bytes: 1024 * 1024,
  past: 14 * 86_400_000,
  future: 2 * 3_600_000,
  datapoints: 1440,
  queries: 500,
  dataDatapoints: 100_800,
  page: 500,
} as const;

/** 2^360: what CloudWatch takes for a number. */
const GREATEST = 2 ** 360;

/** @throws MissingRequiredParameterException, InvalidParameterValueException; `where` as AWS names parameters. */
export function namespaceIn({ Namespace }: Input): string {
  const name = requiredText(Namespace, 'Namespace');
  if (!/^[\w.\-/#: ]+$/.test(name) || name.startsWith(':')) {
    throw invalid(
      'The value of the parameter Namespace has characters that are not A-Z a-z 0-9 . - _ / # : or space.',
    );
  }
  return name;
}

/** Also refuses what AWS keeps for itself. */
export function ownNamespaceIn(input: Input): string {
  const name = namespaceIn(input);
  if (name.startsWith('AWS/')) throw invalid('The value AWS/ for parameter Namespace is invalid.');
  return name;
}

export function metricNameIn({ MetricName }: Input, where = ''): string {
  return requiredText(MetricName, `${where}MetricName`);
}

export function dimensionsIn({ Dimensions = [] }: Input, where = ''): MetricDimensions {
  const list = listIn(Dimensions, `${where}Dimensions`, LIMITS.dimensions);
  const dimensions: Record<string, string> = {};
  for (const [index, each] of list.entries()) {
    const at = `${where}Dimensions.member.${index + 1}.`;
    const name = requiredText(each.Name, `${at}Name`);
    if (name.startsWith(':'))
      throw invalid(`The value of the parameter ${at}Name must not start with a colon.`);
    if (Object.hasOwn(dimensions, name)) {
      throw invalid(`The dimension ${name} is named more than once in ${where}Dimensions.`);
    }
    // An own property, also by the name of __proto__.
    Object.defineProperty(dimensions, name, {
      value: requiredText(each.Value, `${at}Value`, LIMITS.dimensionValue),
      ...{ enumerable: true, writable: true, configurable: true },
    });
  }
  return dimensions;
}

export function requiredText(value: unknown, name: string, longest: number = LIMITS.name): string {
  if (value === undefined || value === null || value === '') throw missing(name);
  if (typeof value !== 'string') throw invalid(`The value of the parameter ${name} must be a string.`);
  if (value.length > longest) {
    throw invalid(`The value of the parameter ${name} must not be longer than ${longest} characters.`);
  }
  // What CloudWatch takes: printable ASCII, and not only blanks.
  if (!/^[\x20-\x7e]*[\x21-\x7e][\x20-\x7e]*$/.test(value)) {
    throw invalid(
      `The value of the parameter ${name} must have printable ASCII characters alone, and one that is no blank.`,
    );
  }
  return value;
}

/** A list of structures; not there for null. */
export function listIn(value: unknown, name: string, most: number): Input[] {
  const list = value ?? [];
  if (!Array.isArray(list) || list.some((each) => typeof each !== 'object' || each === null)) {
    throw invalid(`The value of the parameter ${name} must be a list of structures.`);
  }
  if (list.length > most) throw invalid(`The collection ${name} must not have a size greater than ${most}.`);
  return list as Input[];
}

export function numberIn(value: unknown, name: string): number {
  if (typeof value === 'number' && Math.abs(value) <= GREATEST) return value;
  throw invalid(`The value of the parameter ${name} must be a number from -2^360 to 2^360.`);
}

/** Milliseconds since the epoch, of seconds. */
export function timeIn(value: unknown, name: string): number {
  if (value === undefined || value === null) throw missing(name);
  if (typeof value === 'number' && Math.abs(value) < 1e11) return Math.round(value * 1000);
  throw invalid(`The value of the parameter ${name} must be a time in seconds since the epoch.`);
}

/** Milliseconds. */
export function periodIn(value: unknown, name = 'Period'): number {
  if (value === undefined || value === null) throw missing(name);
  const isSound =
    typeof value === 'number' &&
    value > 0 &&
    value <= 365 * 86_400 &&
    ([1, 5, 10, 20, 30].includes(value) || value % 60 === 0);
  if (isSound) return value * 1000;
  throw invalid(`The parameter ${name} must be 1, 5, 10, 20, 30 or a multiple of 60 seconds, up to a year.`);
}
