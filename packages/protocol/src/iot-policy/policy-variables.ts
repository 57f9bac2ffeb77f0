import { type GlobPart, MANY, ONE } from './glob.ts';
import { plainAddress } from './ip-range.ts';
import { policyInvalid, quoted } from './policy-error.ts';
import type { PolicySubject } from './policy-subject.ts';

/** What stays as it is while a client is connected, by the name that policies know it under. */
const VALUES = {
  'iot:ClientId': ({ clientId }) => clientId,
  'iot:Connection.Thing.ThingName': ({ thingName }) => thingName,
  'iot:Connection.Thing.IsAttached': ({ thingName }) => (thingName ? 'true' : 'false'),
  'iot:Certificate.Subject.CommonName': ({ certificateCommonName }) => certificateCommonName,
  'aws:SourceIp': ({ sourceIp = '' }) => plainAddress(sourceIp),
  // The endpoint listens on TLS only.
  'aws:SecureTransport': () => 'true',
  'ioto:AccountId': ({ accountId }) => accountId,
  'ioto:Product': ({ product }) => product,
} satisfies Record<string, (subject: PolicySubject) => string | undefined>;

export type VariableName = keyof typeof VALUES;

export const VARIABLE_NAMES = Object.keys(VALUES) as VariableName[];

/** The values that a subject has; none of them is empty. */
export type SubjectValues = ReadonlyMap<VariableName, string>;

export function valuesOf(subject: PolicySubject): SubjectValues {
  const values = new Map<VariableName, string>();
  for (const name of VARIABLE_NAMES) {
    const value = VALUES[name](subject);
    if (value) values.set(name, value);
  }
  return values;
}

export interface Variable {
  readonly variable: VariableName;
}

/** Text, wildcards, and variables that a subject fills in. */
export type Template = readonly (GlobPart | Variable)[];

/** A variable, or the start of one that is not finished. A `$` alone is a character like others (`$aws/things/…`). */
const VARIABLE = /\$\{([^}]*)(\}?)/g;
const ESCAPES = ['*', '?', '$'];
/** Letter case does not count in names, as in IAM. */
const BY_NAME = new Map(VARIABLE_NAMES.map((name) => [name.toLowerCase(), name]));

/**
 * Reads `${iot:ClientId}` and its like, the escapes `${*}`, `${?}` and `${$}`, and, where they are asked for, `*` and `?`.
 *
 * @throws POLICY_INVALID for a variable that is not known or not closed.
 */
export function parseTemplate(
  text: string,
  where: string,
  wildcards: 'wildcards' | 'no wildcards',
): Template {
  const template: (GlobPart | Variable)[] = [];
  const addText = (plain: string) => {
    if (wildcards === 'wildcards') template.push(...globParts(plain));
    else if (plain !== '') template.push(plain);
  };
  let done = 0;
  for (const { 0: whole, 1: name = '', 2: close, index } of text.matchAll(VARIABLE)) {
    addText(text.slice(done, index));
    if (close === '') throw policyInvalid(where, `${quoted(text)} has a variable without its closing brace`);
    template.push(ESCAPES.includes(name) ? name : variableOf(name, where));
    done = index + whole.length;
  }
  addText(text.slice(done));
  return template;
}

/** What a template is for a subject; undefined when a value is missing. Values are text: nothing in them is a wildcard. */
export function fillIn(template: Template, values: SubjectValues): GlobPart[] | undefined {
  const parts: GlobPart[] = [];
  for (const part of template) {
    const filled = isVariable(part) ? values.get(part.variable) : part;
    if (filled === undefined) return undefined;
    parts.push(filled);
  }
  return parts;
}

export function isVariable(part: GlobPart | Variable): part is Variable {
  return typeof part === 'object';
}

function globParts(text: string): GlobPart[] {
  return text
    .split(/([*?])/)
    .filter((part) => part !== '')
    .map((part) => (part === '*' ? MANY : part === '?' ? ONE : part));
}

function variableOf(name: string, where: string): Variable {
  const variable = BY_NAME.get(name.toLowerCase());
  if (variable) return { variable };
  const known = VARIABLE_NAMES.map((each) => `\${${each}}`).join(', ');
  throw policyInvalid(where, `the variable ${quoted(`\${${name}}`)} is not known; known are ${known}`);
}
