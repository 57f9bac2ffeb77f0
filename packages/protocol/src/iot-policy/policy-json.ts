import { policyInvalid, quoted } from './policy-error.ts';

/** UTF-8 bytes of a document as JSON, without the white space between its parts. AWS IoT allows 2048. */
const MOST_BYTES = 8192;
/** Characters of a text with its white space. */
const LONGEST_TEXT = 8 * MOST_BYTES;

/**
 * The JSON value of a policy, as a copy, given as text or parsed.
 *
 * @throws POLICY_INVALID for what is no JSON, is too large, or names a field twice, of which a parser keeps the last only.
 */
export function readPolicyJson(given: unknown): unknown {
  const text = textOf(given);
  if (text === undefined) throw policyInvalid('policy', `${quoted(given)} is not a JSON document`);
  if (text.length > LONGEST_TEXT) throw tooLarge();
  let value: unknown;
  let compact: string;
  try {
    value = JSON.parse(text);
    compact = JSON.stringify(value);
  } catch {
    throw policyInvalid('policy', 'is not valid JSON');
  }
  if (Buffer.byteLength(compact) > MOST_BYTES) throw tooLarge();
  const repeated = repeatedField(text);
  if (repeated !== undefined) throw policyInvalid('policy', `has ${quoted(repeated)} twice in one object`);
  return value;
}

function textOf(given: unknown): string | undefined {
  if (typeof given === 'string') return given;
  try {
    return JSON.stringify(given);
  } catch {
    // A cycle, a BigInt, a getter that throws.
    return undefined;
  }
}

function tooLarge(): Error {
  return policyInvalid('policy', `is larger than ${MOST_BYTES} bytes`);
}

const TOKEN = /"(?:[^"\\]|\\.)*"(\s*:)?|[{}]/gs;

/** The first field that an object of this valid JSON has twice. */
function repeatedField(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (const [token, colon] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '}') open.pop();
    else if (colon !== undefined) {
      const field: string = JSON.parse(token.slice(0, -colon.length));
      const fields = open.at(-1);
      if (fields?.has(field)) return field;
      fields?.add(field);
    }
  }
  return undefined;
}
