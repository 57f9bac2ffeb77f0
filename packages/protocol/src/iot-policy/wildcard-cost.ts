import { policyInvalid } from './policy-error.ts';
import type { PolicyStatement } from './policy-statement.ts';

/**
 * What the wildcards of a document may cost. All policies that hold for a device are asked with each of its messages, so one
 * document must be no more than a few microseconds.
 */
const MOST = 32;
/** Each place of a text is tried, where a text without `?` is searched for. */
const EACH_WITH_QUESTION_MARK = 4;

const VARIABLE = /\$\{[^}]*\}/g;

/** @throws POLICY_INVALID when the wildcards of all statements cost too much. */
export function checkWildcardCost(statements: readonly PolicyStatement[]): void {
  const cost = statements.flatMap(wildcardTexts).reduce((sum, text) => sum + costOf(text), 0);
  if (cost <= MOST) return;
  throw policyInvalid(
    'policy',
    `its wildcards cost ${cost} and may cost ${MOST}, where each text between two * counts 1, and one with ? counts ` +
      `${EACH_WITH_QUESTION_MARK} for each character: write plainer names, or several policies`,
  );
}

function wildcardTexts({ Resource, Condition = {} }: PolicyStatement): string[] {
  // Behind arn:aws:iot:REGION:ACCOUNT: begins what is compared with every message.
  const names = [Resource].flat().map((each) => plain(each).split(':').slice(5).join(':'));
  const patterns = Object.entries(Condition)
    .filter(([operator]) => operator.includes('Like'))
    .flatMap(([, keys]) => Object.values(keys).flat())
    .map((each) => plain(String(each)));
  return [...names, ...patterns];
}

/** Escapes and variables are text without wildcards. */
function plain(text: string): string {
  return text.replace(VARIABLE, 'v');
}

/** What stands before the first `*` and behind the last is compared once. */
function costOf(text: string): number {
  return text
    .split('*')
    .slice(1, -1)
    .filter((piece) => piece !== '')
    .reduce((sum, piece) => sum + (piece.includes('?') ? EACH_WITH_QUESTION_MARK * piece.length : 1), 0);
}
