import { CodedError, messageOf } from '@ioto/runtime';

/** Bytes of a line that a regular expression is shown: a long line must not hold the agent up. */
const SHOWN = 1024;

/** What makes an event of lines. */
export interface LineRule {
  /** Whether the line that begins here belongs to the one before. */
  continues(buffer: Buffer, start: number, length: number): boolean;
  /** Whether `continues` ever says yes: then a line ends only where the next one begins. */
  mayContinue: boolean;
  /** Everything belongs together: what is too long for one event is several, and no line is cut. */
  isOneEvent: boolean;
}

const ALONE: LineRule = { continues: () => false, mayContinue: false, isOneEvent: false };
const TOGETHER: LineRule = { continues: () => true, mayContinue: true, isOneEvent: true };

/**
 * The rule of a source: every line for itself but for those that `continuation` says, or, without `lines`, all that comes
 * together. As in Ioto `continuation` names the characters that begin a continuing line; `/…/` is a regular expression.
 *
 * @throws CONFIG_INVALID
 */
export function lineRuleOf({
  lines,
  continuation,
  where,
}: {
  lines: boolean;
  continuation: string;
  where: string;
}): LineRule {
  if (!lines) return TOGETHER;
  if (continuation === '') return ALONE;
  if (continuation.length > 2 && continuation.startsWith('/') && continuation.endsWith('/')) {
    return byExpression(continuation.slice(1, -1), where);
  }
  const bytes = Buffer.from(continuation);
  if (bytes.length !== continuation.length) {
    const message = `${where}.continuation: letters, digits and signs of ASCII, or /a regular expression/`;
    throw new CodedError('CONFIG_INVALID', message);
  }
  const first = new Uint8Array(256);
  for (const byte of bytes) first[byte] = 1;
  return {
    continues: (buffer, start) => first[buffer[start] as number] === 1,
    mayContinue: true,
    isOneEvent: false,
  };
}

function byExpression(source: string, where: string): LineRule {
  let expression: RegExp;
  try {
    expression = new RegExp(source, 'u');
  } catch (error) {
    throw new CodedError('CONFIG_INVALID', `${where}.continuation: ${messageOf(error)}`, { cause: error });
  }
  return {
    continues(buffer, start, length) {
      const end = Math.min(length, start + SHOWN);
      const feed = buffer.subarray(start, end).indexOf(0x0a);
      return expression.test(buffer.toString('utf8', start, feed < 0 ? end : start + feed));
    },
    mayContinue: true,
    isOneEvent: false,
  };
}
