import { parseLenientJson } from '@ioto/protocol';
import { CodedError, errorCatalogue } from '@ioto/runtime';
import { jsonShape } from './json-shape.ts';

/** Objects and arrays inside each other that a body may have; device.json5 has one or two. */
const DEEPEST = 32;
/** Values that a body may have: more than anything that is meant has, and some milliseconds of work. */
const MOST_VALUES = 100_000;

export const bodyError = errorCatalogue({
  JSON_MALFORMED: { status: 400 },
  JSON_TOO_DEEP: { status: 400 },
  JSON_TOO_MANY_VALUES: { status: 400 },
  JSON_KEY_FORBIDDEN: { status: 400 },
  JSON_TEXT_MALFORMED: { status: 400 },
});

const utf8 = new TextDecoder('utf-8', { fatal: true });

export interface JsonBodyOptions {
  /** Take what agents in the field write for JSON. */
  lenient: boolean;
  /** Refuse texts that have no UTF-8 form (lone surrogates, which only escapes can write): as keys they would become others. */
  wellFormed?: boolean;
  /** How many values it may have. Default 100 000. */
  values?: number;
  /** Told how many values there are before they are made; may throw to refuse them. */
  admit?: (values: number) => void;
}

/**
 * The value of a JSON body; an empty body is `{}`, as agents in the field send it.
 *
 * @throws JSON_MALFORMED, JSON_TOO_DEEP, JSON_TOO_MANY_VALUES, JSON_KEY_FORBIDDEN, JSON_TEXT_MALFORMED, each 400.
 */
export function parseJsonBody(body: Buffer, options: JsonBodyOptions): unknown {
  if (body.length === 0) return {};
  const { lenient, values: most = MOST_VALUES, admit, wellFormed = false } = options;
  const { values, depth } = jsonShape(body);
  if (depth > DEEPEST) {
    throw bodyError('JSON_TOO_DEEP', `the body may have ${DEEPEST} levels of objects and arrays`);
  }
  if (values > most) throw bodyError('JSON_TOO_MANY_VALUES', `the body may have ${most} values`);
  admit?.(values);
  let value: unknown;
  try {
    const text = utf8.decode(body);
    value = lenient ? parseLenientJson(text) : JSON.parse(text);
  } catch (error) {
    throw bodyError('JSON_MALFORMED', 'the body is not JSON in UTF-8', { cause: error });
  }
  // Most bodies cannot have the key, however it is written.
  if (body.includes('__proto__') || body.includes('\\u')) inspect(value, wellFormed);
  return value;
}

const LONE_SURROGATE = /\p{Surrogate}/u;

function inspect(value: unknown, wellFormed: boolean): void {
  if (wellFormed && typeof value === 'string') requireWellFormed(value);
  if (typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) inspect(value[i], wellFormed);
    return;
  }
  // JSON can carry a key that, merged into another object, would change its prototype.
  if (Object.hasOwn(value, '__proto__')) {
    throw bodyError('JSON_KEY_FORBIDDEN', 'the body may not have a key __proto__');
  }
  // What JSON makes has no properties but its own.
  for (const name in value) {
    if (wellFormed) requireWellFormed(name);
    inspect((value as Record<string, unknown>)[name], wellFormed);
  }
}

function requireWellFormed(text: string): void {
  if (!LONE_SURROGATE.test(text)) return;
  const told = JSON.stringify(text.slice(0, 100));
  throw bodyError('JSON_TEXT_MALFORMED', `the text ${told} has half a character: send whole ones`);
}

/** What a validator complains of. */
export interface Problem {
  instancePath?: string;
  message?: string;
  keyword?: string;
  params?: Record<string, unknown>;
}

/** Makes a validator's complaint one line for whoever sent the body. */
export function describeInvalid(problems: readonly Problem[]): CodedError {
  const [first] = problems;
  const where = first?.instancePath ? `"${first.instancePath.slice(1).replaceAll('/', '.')}" ` : 'the body ';
  // Of a choice the validator names one value after the other.
  const choice = problems
    .filter(({ keyword, instancePath }) => keyword === 'const' && instancePath === first?.instancePath)
    .map(({ params }) => JSON.stringify(params?.allowedValue));
  const message = choice.length > 1 ? `must be one of ${choice.join(', ')}` : first?.message;
  return new CodedError('REQUEST_INVALID', `${where}${message ?? 'is not valid'}`, { status: 400 });
}
