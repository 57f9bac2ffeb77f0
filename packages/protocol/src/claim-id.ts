import { randomBytes } from 'node:crypto';
import { CodedError } from '@ioto/runtime';

/** Crockford's base 32: digits and capitals without I, L, O and U. 32 letters, so five bits each without bias. */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

export const CLAIM_ID_LENGTH = { default: 10, min: 10, max: 20 } as const;

const PATTERN = /^[0-9A-HJKMNP-TV-Z]{10,20}$/;

/**
 * A new unguessable claim ID of `length` letters, five bits of the system's CSPRNG each: 10 letters are 50 bits, 16 are 80.
 *
 * @throws CLAIM_ID_LENGTH outside 10..20.
 */
export function newClaimId(length: number = CLAIM_ID_LENGTH.default): string {
  if (!Number.isInteger(length) || length < CLAIM_ID_LENGTH.min || length > CLAIM_ID_LENGTH.max) {
    throw new CodedError(
      'CLAIM_ID_LENGTH',
      `a claim ID has ${CLAIM_ID_LENGTH.min} to ${CLAIM_ID_LENGTH.max} letters, not ${length}`,
    );
  }
  // 256 is a multiple of 32: the low five bits of a random byte are uniform.
  return Array.from(randomBytes(length), (byte) => LETTERS[byte & 31]).join('');
}

/** True for a claim ID in its exact form, as devices and topics carry it. */
export function isClaimId(text: unknown): text is string {
  return typeof text === 'string' && PATTERN.test(text);
}

/**
 * The claim ID that a person meant: upper-cased, blanks and dashes dropped, I and L read as 1, O as 0.
 *
 * @throws CLAIM_ID_MALFORMED when what is left is no claim ID; the message does not repeat the input.
 */
export function parseTypedClaimId(typed: string): string {
  const text = typed
    .toUpperCase()
    .replace(/[\s\-\u2010-\u2015]/g, '')
    .replace(/[IL]/g, '1')
    .replace(/O/g, '0');
  if (!PATTERN.test(text)) {
    throw new CodedError(
      'CLAIM_ID_MALFORMED',
      'a claim ID is 10 to 20 letters of 0-9 and A-Z without U; check it against the label',
      { status: 400 },
    );
  }
  return text;
}

/** The form for people: groups of five, `JT08F-FQXWQ`. */
export function formatClaimId(id: string): string {
  return id.replace(/(.{5})(?=.)/g, '$1-');
}
