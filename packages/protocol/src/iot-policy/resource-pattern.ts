import { compileGlob, type Glob, MANY, ONE, partsAfter } from './glob.ts';
import type { ResourceType } from './policy-actions.ts';
import { policyInvalid, quoted } from './policy-error.ts';
import type { PolicySubject } from './policy-subject.ts';
import { fillIn, isVariable, parseTemplate, type SubjectValues, type Template } from './policy-variables.ts';

/** Characters of a `Resource`: a match takes at most this many steps for each character of a name. */
const LONGEST = 1024;
const FORM = 'arn:aws:iot:REGION:ACCOUNT:TYPE/NAME';
/** Fills in no variable. */
const NOBODY: SubjectValues = new Map();
const PARTITIONS = ['aws', 'aws-cn', 'aws-us-gov'];

/** A `Resource` of a statement, before anybody's values are filled in. */
export interface ResourcePattern {
  readonly region: Template;
  readonly account: Template;
  /** What stands behind TYPE/, for each type that the pattern may mean. */
  readonly names: Readonly<Record<ResourceType, readonly NamePattern[]>>;
}

interface NamePattern {
  readonly template: Template;
  /** The same, where it is the same for everybody. */
  readonly glob?: Glob;
}

const EVERYTHING = patternOf([MANY], [MANY], [MANY]);

/**
 * Reads `*` or an ARN. Region and account may be wildcards or variables; a type that the endpoint does not know
 * (`thing`) is accepted and matches nothing here.
 *
 * @throws POLICY_INVALID
 */
export function parseResource(text: string, where: string): ResourcePattern {
  if (text === '*') return EVERYTHING;
  if (text.length > LONGEST) throw policyInvalid(where, `is longer than ${LONGEST} characters`);
  const [prefix, partition, service, region, account, path] = partsOfArn(
    parseTemplate(text, where, 'wildcards'),
  );
  if (!path || plainText(prefix) !== 'arn' || plainText(service) !== 'iot') {
    throw policyInvalid(where, `${quoted(text)} is not an ARN of the form ${FORM}`);
  }
  if (!PARTITIONS.includes(plainText(partition) ?? '')) {
    throw policyInvalid(where, `${quoted(text)} names a partition other than ${PARTITIONS.join(', ')}`);
  }
  if (!region?.length || !account?.length) {
    throw policyInvalid(
      where,
      `${quoted(text)} names no ${region?.length ? 'account' : 'region'}: * stands for any`,
    );
  }
  checkPath(path, text, where);
  return patternOf(region, account, path);
}

/**
 * What a pattern matches of one type, for one subject: globs of names. With `plain` it matches nothing where the subject's
 * own values would make a wildcard of MQTT of it.
 */
export function namesOf(
  { region, account, names }: ResourcePattern,
  type: ResourceType,
  subject: PolicySubject,
  values: SubjectValues,
  { plain = false } = {},
): Glob[] {
  if (!matches(region, subject.region, values) || !matches(account, subject.accountId, values)) return [];
  return names[type].flatMap(({ template, glob }) => {
    if (glob) return [glob];
    if (plain && addsFilterWildcards(template, values)) return [];
    const parts = fillIn(template, values);
    return parts ? [compileGlob(parts)] : [];
  });
}

function addsFilterWildcards(template: Template, values: SubjectValues): boolean {
  return template.some((part) => isVariable(part) && /[+#]/.test(values.get(part.variable) ?? ''));
}

/**
 * The pattern for all devices of one account in one region, with what they share filled in for good; undefined where it matches
 * nothing there.
 */
export function patternAt(
  { region, account, names }: ResourcePattern,
  home: { region: string; accountId: string },
): ResourcePattern | undefined {
  const values: SubjectValues = new Map([['ioto:AccountId', home.accountId]]);
  const here = (template: Template) => template.map((part) => filledPart(part, values));
  const regionHere = settled(here(region), home.region);
  const accountHere = settled(here(account), home.accountId);
  if (!regionHere || !accountHere) return undefined;
  const filled = (type: ResourceType) => names[type].map(({ template }) => nameOf(here(template)));
  return { region: regionHere, account: accountHere, names: ofEachType(filled) };
}

function filledPart(part: Template[number], values: SubjectValues): Template[number] {
  return isVariable(part) ? (values.get(part.variable) ?? part) : part;
}

/** Everything for what matches the value, undefined for what does not; what a device must fill in stays as it is. */
function settled(template: Template, value: string): Template | undefined {
  if (template.some(isVariable)) return template;
  return matches(template, value, NOBODY) ? [MANY] : undefined;
}

function patternOf(region: Template, account: Template, path: Template): ResourcePattern {
  return { region, account, names: ofEachType((type) => partsAfter(path, `${type}/`).map(nameOf)) };
}

function ofEachType<T>(of: (type: ResourceType) => T): Record<ResourceType, T> {
  return {
    client: of('client'),
    topic: of('topic'),
    topicfilter: of('topicfilter'),
    rolealias: of('rolealias'),
  };
}

function nameOf(template: Template): NamePattern {
  const constant = fillIn(template, NOBODY);
  return constant ? { template, glob: compileGlob(constant) } : { template };
}

function matches(template: Template, value: string, values: SubjectValues): boolean {
  if (template.length === 1 && template[0] === MANY) return true;
  const parts = fillIn(template, values);
  return parts !== undefined && compileGlob(parts).matches(value);
}

/** Up to six parts, of which the last may hold colons. Colons of escapes and values are none of these. */
function partsOfArn(template: Template): Template[] {
  const parts: Template[number][][] = [[]];
  for (const part of template) {
    let rest: Template[number] = part;
    while (typeof rest === 'string' && parts.length < 6 && rest.includes(':')) {
      const colon = rest.indexOf(':');
      if (colon > 0) parts.at(-1)?.push(rest.slice(0, colon));
      parts.push([]);
      rest = rest.slice(colon + 1);
    }
    if (rest !== '') parts.at(-1)?.push(rest);
  }
  return parts;
}

/** The text of a template without wildcards and variables; undefined for any other. */
export function plainText(template: Template | undefined): string | undefined {
  return template?.every((part) => typeof part === 'string') ? template.join('') : undefined;
}

/** TYPE/NAME, where wildcards may stand for the type or a part of it, and for all of both. */
function checkPath(path: Template, text: string, where: string): void {
  const slash = path.findIndex((part) => typeof part === 'string' && part.includes('/'));
  const type = slash < 0 ? path : path.slice(0, slash);
  if (type.some(isVariable)) {
    throw policyInvalid(
      where,
      `${quoted(text)} has a variable in its TYPE: only REGION, ACCOUNT and NAME may have one`,
    );
  }
  const written = type.map((part) => (part === MANY || part === ONE ? '*' : part)).join('');
  const whole = slash < 0 ? written : `${written}${String(path[slash])}`;
  if (!(slash < 0 ? /^[a-z*]*\*[a-z*]*$/i : /^[a-z*]+\//i).test(whole)) {
    throw policyInvalid(where, `${quoted(text)} is not an ARN of the form ${FORM}`);
  }
}
