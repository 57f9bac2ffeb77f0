import { CodedError } from '@ioto/runtime';

/** A word of a distribution policy; columns count from 1. */
export type Token =
  | { kind: 'sign' | 'name' | 'end'; text: string; column: number }
  | { kind: 'value'; text: string; column: number; value: string | number | boolean | null };

const WORD =
  /(\s+)|(\|\||&&|[=!<>]=|[<>!()])|(-?\d+(?:\.\d+)?(?![\w.]))|('[^']*'|"[^"]*")|([A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)/y;

const WORDS_OF_VALUES: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null };

/** @throws UPDATE_POLICY_INVALID (400) for what is no word of a policy. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const word = new RegExp(WORD);
  while (word.lastIndex < text.length) {
    const column = word.lastIndex + 1;
    const match = word.exec(text);
    if (!match)
      throw policyInvalid(`${JSON.stringify(text[column - 1])} at column ${column} is not known here`);
    const [found, space, sign, number, quoted] = match;
    if (space !== undefined) continue;
    if (sign !== undefined) tokens.push({ kind: 'sign', text: sign, column });
    else if (number !== undefined)
      tokens.push({ kind: 'value', text: number, column, value: Number(number) });
    else if (quoted !== undefined) {
      tokens.push({ kind: 'value', text: quoted, column, value: quoted.slice(1, -1) });
    } else if (Object.hasOwn(WORDS_OF_VALUES, found)) {
      tokens.push({ kind: 'value', text: found, column, value: WORDS_OF_VALUES[found] ?? null });
    } else tokens.push({ kind: 'name', text: found, column });
  }
  tokens.push({ kind: 'end', text: '', column: text.length + 1 });
  return tokens;
}

export function policyInvalid(problem: string): CodedError {
  return new CodedError('UPDATE_POLICY_INVALID', `policy: ${problem}`, { status: 400 });
}
