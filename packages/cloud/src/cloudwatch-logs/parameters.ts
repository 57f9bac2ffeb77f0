import { awsError } from '../aws-http/aws-error.ts';
import { invalidParameter } from './errors.ts';

type Input = Readonly<Record<string, unknown>>;

interface TextRule {
  longest: number;
  shortest?: number;
  pattern?: RegExp;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

/** Characters of what is told back of a wrong value. */
const TOLD = 100;

/** One text that must be there. @throws InvalidParameterException, SerializationException for what is no text. */
export function requiredText(input: Input, name: string, rule: TextRule): string {
  const value = optionalText(input, name, rule);
  if (value === undefined) throw unsatisfied('null', name, 'Member must not be null');
  return value;
}

export function optionalText(input: Input, name: string, rule: TextRule): string | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string') throw notA('string', name);
  checkText(value, name, rule);
  return value;
}

export function optionalInteger(
  input: Input,
  name: string,
  { least, most }: { least: number; most: number },
): number | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isInteger(value)) throw notA('whole number', name);
  if (value < least)
    throw unsatisfied(value, name, `Member must have value greater than or equal to ${least}`);
  if (value > most) throw unsatisfied(value, name, `Member must have value less than or equal to ${most}`);
  return value;
}

export function optionalFlag(input: Input, name: string): boolean | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw notA('boolean', name);
  return value;
}

export function optionalTexts(
  input: Input,
  name: string,
  { most, ...rule }: TextRule & { most: number },
): string[] | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) throw notA('list', name);
  if (value.length === 0 || value.length > most) {
    throw unsatisfied('a list', name, `Member must have 1 to ${most} elements`);
  }
  return value.map((element) => {
    if (typeof element !== 'string') throw notA('list of strings', name);
    checkText(element, name, rule);
    return element;
  });
}

/** In the words of AWS: which value, of which parameter, against which constraint. */
export function unsatisfied(value: unknown, name: string, constraint: string): Error {
  const told = value === 'null' ? value : `'${String(value).slice(0, TOLD)}'`;
  return invalidParameter(
    `1 validation error detected: Value ${told} at '${name}' failed to satisfy constraint: ${constraint}`,
  );
}

export function notA(what: string, name: string): Error {
  return awsError('SerializationException', `${name} is not a ${what}`);
}

function checkText(value: string, name: string, { shortest = 1, longest, pattern }: TextRule): void {
  if (value.length < shortest) {
    throw unsatisfied(value, name, `Member must have length greater than or equal to ${shortest}`);
  }
  if (value.length > longest) {
    throw unsatisfied(value, name, `Member must have length less than or equal to ${longest}`);
  }
  // It has no UTF-8 form: stored, it would become another text.
  if (LONE_SURROGATE.test(value)) throw unsatisfied(value, name, 'Member must be text of whole characters');
  if (pattern && !pattern.test(value)) {
    throw unsatisfied(value, name, `Member must satisfy regular expression pattern: ${pattern.source}`);
  }
}
