import { policyInvalid, quoted } from './policy-error.ts';
import { fieldsOf, listed } from './policy-fields.ts';
import { readPolicyJson } from './policy-json.ts';
import { type PolicyRule, type PolicyStatement, parseStatement } from './policy-statement.ts';

export interface PolicyDocument {
  Version: '2012-10-17';
  /** A document that is given may have a single one in place of the list. */
  Statement: PolicyStatement[];
}

/** A policy that was read. Nothing in it changes. */
export interface IotPolicy {
  /** The JSON that it came from; its statements are a list also where a single one was given. */
  readonly document: PolicyDocument;
  /** For `bindPolicies` only. */
  readonly rules: readonly PolicyRule[];
}

/** The language with variables; older ones take `${…}` for text. */
const VERSION = '2012-10-17';
const MOST_STATEMENTS = 50;

/**
 * Reads an AWS IoT policy document, given as JSON text or as a parsed value, of which it keeps a copy. What it does not
 * understand it refuses: a part that is passed over could be the one that denies.
 *
 * @throws POLICY_INVALID (400), which names the statement, the field and what is expected. Statements count from 1, values
 * of a list from 0.
 */
export function parseIotPolicy(given: unknown): IotPolicy {
  const { Version, Statement, ...others } = fieldsOf(readPolicyJson(given), 'policy');
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) {
    throw policyInvalid('policy', `has the field ${quoted(unknown)}; it may have Version and Statement only`);
  }
  if (Version !== VERSION) {
    throw policyInvalid('policy, Version', `must be ${quoted(VERSION)}, not ${quoted(Version)}`);
  }
  const statements = listed(Statement, 'policy, Statement', MOST_STATEMENTS).map(([each]) => each);
  const rules = statements.map((each, index) => parseStatement(each, index + 1));
  checkSids(rules);
  // Each has been read, so each has the shape.
  const document: PolicyDocument = { Version, Statement: statements as PolicyStatement[] };
  return Object.freeze({ document: deepFrozen(document), rules: Object.freeze(rules) });
}

function checkSids(rules: readonly PolicyRule[]): void {
  const seen = new Map<string, number>();
  for (const [index, { sid }] of rules.entries()) {
    if (sid === undefined) continue;
    const first = seen.get(sid);
    if (first !== undefined) {
      throw policyInvalid(
        `policy statement ${index + 1}, Sid`,
        `${quoted(sid)} is that of statement ${first} too`,
      );
    }
    seen.set(sid, index + 1);
  }
}

function deepFrozen<T extends object>(value: T): T {
  for (const each of Object.values(value)) if (typeof each === 'object') deepFrozen(each);
  return Object.freeze(value);
}
