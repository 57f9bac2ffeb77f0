import {
  type Condition,
  type ConditionKey,
  type KeyKind,
  OPERATORS,
  type Operator,
} from './condition-operators.ts';
import { policyInvalid, quoted } from './policy-error.ts';
import { fieldsOf, listed } from './policy-fields.ts';
import { VARIABLE_NAMES, type VariableName } from './policy-variables.ts';

const KINDS: Partial<Record<VariableName, KeyKind>> = {
  'iot:Connection.Thing.IsAttached': 'flag',
  'aws:SecureTransport': 'flag',
  'aws:SourceIp': 'address',
};
const KEYS: readonly ConditionKey[] = [
  ...VARIABLE_NAMES.map((name) => ({ name, kind: KINDS[name] ?? ('text' as const), variable: name })),
  { name: 'aws:CurrentTime', kind: 'time' },
  { name: 'aws:EpochTime', kind: 'seconds' },
];
/** Letter case does not count in names, as in IAM. */
const KEY_BY_NAME = new Map(KEYS.map((key) => [key.name.toLowerCase(), key]));

const IF_EXISTS = 'IfExists';
/** Values of one key. */
const MOST_VALUES = 100;

/**
 * Reads a `Condition` block: every key of every operator must hold, for one of its values; a negated operator, for none of
 * them.
 *
 * @throws POLICY_INVALID also for an operator or a key that is not known: whether it holds could not be told.
 */
export function parseConditions(block: unknown, where: string): Condition[] {
  return entriesOf(block, where).flatMap(([written, keys]) => {
    const at = `${where}[${quoted(written)}]`;
    const { operator, ifExists } = operatorOf(written, at);
    return entriesOf(keys, at).map(([name, given]) => {
      const place = `${at}[${quoted(name)}]`;
      const key = keyOf(name, place);
      if (!operator.of.includes(key.kind))
        throw policyInvalid(place, `${written} cannot compare ${key.name}`);
      const values = listed(given, place, MOST_VALUES).map(
        ([each, spot]) => [textOf(each, spot), spot] as const,
      );
      return operator.read(key, values, ifExists);
    });
  });
}

function entriesOf(block: unknown, where: string): [string, unknown][] {
  const entries = Object.entries(fieldsOf(block, where));
  if (entries.length === 0) throw policyInvalid(where, 'is empty: leave it out, or say what must hold');
  return entries;
}

function operatorOf(written: string, where: string): { operator: Operator; ifExists: boolean } {
  const ifExists = written.endsWith(IF_EXISTS) && written !== `Null${IF_EXISTS}`;
  const operator = OPERATORS.get(ifExists ? written.slice(0, -IF_EXISTS.length) : written);
  if (operator) return { operator, ifExists };
  const hint = written.includes(':')
    ? 'every key has one value here, so ForAllValues and ForAnyValue are not supported: leave the prefix out'
    : `the operator is not known; known are ${[...OPERATORS.keys()].join(', ')}, also with ${IF_EXISTS}`;
  throw policyInvalid(where, hint);
}

function keyOf(name: string, where: string): ConditionKey {
  const key = KEY_BY_NAME.get(name.toLowerCase());
  if (key) return key;
  throw policyInvalid(where, `the key is not known; known are ${KEYS.map((each) => each.name).join(', ')}`);
}

function textOf(value: unknown, where: string): string {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  throw policyInvalid(where, `must be a text, a number, true or false, not ${quoted(value)}`);
}
