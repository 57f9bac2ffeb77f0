import type { IotPolicy } from './policy-document.ts';
import { policyInvalid } from './policy-error.ts';
import type { PolicyStatement } from './policy-statement.ts';

/**
 * What one document may cost, and all that are attached to one thing together. A device is bound to all that hold for it, and
 * asks them with each message that it sends or hears: they must stay within what a message costs anyway.
 */
export const MOST_POLICY_COST = 64;
/** Of a resource that is not the same for all devices of an account. */
const OF_ITS_OWN = 4;
/** A text between two `*` is looked for all along. */
const TO_BE_FOUND = 16;
/** A text with `?` is tried at each place, where one without is searched for. */
const TRIED_EVERYWHERE = 4;

const ESCAPE = /\$\{[*?$]\}/g;
const SHARED_VARIABLE = /\$\{ioto:accountid\}/gi;
const VARIABLE = /\$\{[^}]*\}/g;

/** What binding a policy and asking it costs: an amount of work, in steps of a tenth of a microsecond or so. */
export function policyCost({ document }: IotPolicy): number {
  return document.Statement.reduce((sum, statement) => sum + costOf(statement), 0);
}

/**
 * To be asked before a policy is taken.
 *
 * @throws POLICY_INVALID (400) when it costs too much.
 */
export function checkPolicyCost(policy: IotPolicy): void {
  const cost = policyCost(policy);
  if (cost <= MOST_POLICY_COST) return;
  throw policyInvalid(
    'policy',
    `it costs ${cost} and may cost ${MOST_POLICY_COST}: a resource counts 1, or ${OF_ITS_OWN} with a variable of the device; each ` +
      `text between two * ${TO_BE_FOUND}, or ${TRIED_EVERYWHERE} for each character where it has a ?; each other ? and each time 1. ` +
      'Write plainer names',
  );
}

function costOf({ Resource, Condition = {} }: PolicyStatement): number {
  const resources = [Resource].flat().map((each) => {
    const shared = each.replace(ESCAPE, 'e').replace(SHARED_VARIABLE, 'a');
    const bare = shared.replace(VARIABLE, 'v');
    const [, , , region = '', account = '', ...name] = bare.split(':');
    const wildcards = [region, account, name.join(':')].reduce((sum, part) => sum + ofWildcards(part), 0);
    return (bare === shared ? 1 : OF_ITS_OWN) + wildcards;
  });
  const conditions = Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.values(keys)
      .flat()
      .map((value) => ofValue(operator, String(value))),
  );
  return [...resources, ...conditions].reduce((sum, each) => sum + each, 0);
}

/** What does not change while a device is connected is compared once. */
function ofValue(operator: string, value: string): number {
  if (/^(?:Date|Numeric)/.test(operator)) return 1;
  return operator.includes('Like') ? ofWildcards(value.replace(VARIABLE, 'v')) : 0;
}

/** What stands before the first `*` and behind the last is compared at one place. */
function ofWildcards(text: string): number {
  const pieces = text.split('*');
  return pieces.reduce((sum, piece, index) => {
    const marks = piece.split('?').length - 1;
    if (index === 0 || index === pieces.length - 1) return sum + marks;
    if (piece === '') return sum;
    return sum + (marks > 0 ? TRIED_EVERYWHERE * piece.length : TO_BE_FOUND);
  }, 0);
}
