import type { Condition } from './condition-operators.ts';
import { parseConditions } from './conditions.ts';
import { type PolicyAction, parseAction } from './policy-actions.ts';
import { policyInvalid, quoted } from './policy-error.ts';
import { fieldsOf, listed, textIn } from './policy-fields.ts';
import { parseResource, type ResourcePattern } from './resource-pattern.ts';

export type PolicyEffect = 'Allow' | 'Deny';

/** A statement as it stands in a document. */
export interface PolicyStatement {
  Sid?: string;
  Effect: PolicyEffect;
  Action: string | string[];
  Resource: string | string[];
  /** By operator, then by key. */
  Condition?: Record<string, Record<string, ConditionValue | ConditionValue[]>>;
}

export type ConditionValue = string | number | boolean;

/** A statement, read. */
export interface PolicyRule {
  readonly sid: string | undefined;
  readonly effect: PolicyEffect;
  /** Those of the endpoint; none when the statement is about other services only. */
  readonly actions: readonly PolicyAction[];
  readonly resources: readonly ResourcePattern[];
  /** All of them must hold. */
  readonly conditions: readonly Condition[];
}

const FIELDS = ['Sid', 'Effect', 'Action', 'Resource', 'Condition'];
const LONGEST_SID = 128;
/** Actions, and resources, of one statement. */
const MOST_LISTED = 100;

/** IAM has these, AWS IoT has not. */
const FOREIGN: Readonly<Record<string, string>> = {
  NotAction: 'list what is meant in Action, or write a second statement with the other Effect',
  NotResource: 'list what is meant in Resource, or write a second statement with the other Effect',
  Principal: 'a policy holds for what it is attached to',
  NotPrincipal: 'a policy holds for what it is attached to',
};

/**
 * Reads one statement; `number` counts from 1.
 *
 * @throws POLICY_INVALID
 */
export function parseStatement(given: unknown, number: number): PolicyRule {
  const fields = fieldsOf(given, `policy statement ${number}`);
  const sid = parseSid(fields.Sid, `policy statement ${number}, Sid`);
  const statement = `policy statement ${number}${sid === undefined ? '' : ` (${quoted(sid)})`}`;
  const at = (field: string) => `${statement}, ${field}`;
  checkFields(Object.keys(fields), at);
  const { Effect: effect, Action, Resource, Condition } = fields;
  if (effect !== 'Allow' && effect !== 'Deny') {
    throw policyInvalid(at('Effect'), `must be "Allow" or "Deny", not ${quoted(effect)}`);
  }
  const actions = listed(Action, at('Action'), MOST_LISTED).flatMap(([action, where]) =>
    parseAction(textIn(action, where), where),
  );
  const resources = listed(Resource, at('Resource'), MOST_LISTED).map(([resource, where]) =>
    parseResource(textIn(resource, where), where),
  );
  const conditions = Condition === undefined ? [] : parseConditions(Condition, at('Condition'));
  return { sid, effect, actions: [...new Set(actions)], resources, conditions };
}

/** Tools that write policies leave it empty where there is none. */
function parseSid(sid: unknown, where: string): string | undefined {
  if (sid === undefined || sid === '') return undefined;
  const text = textIn(sid, where);
  if (text.length > LONGEST_SID) throw policyInvalid(where, `is longer than ${LONGEST_SID} characters`);
  return text;
}

function checkFields(names: readonly string[], at: (field: string) => string): void {
  for (const name of names) {
    if (FIELDS.includes(name)) continue;
    const instead = Object.hasOwn(FOREIGN, name) ? FOREIGN[name] : undefined;
    if (instead) throw policyInvalid(at(name), `is not part of AWS IoT policies: ${instead}`);
    throw policyInvalid(at(quoted(name)), `is not a field of a statement, which are ${FIELDS.join(', ')}`);
  }
}
