import { CodedError, messageOf, parseCount, parseSize, parseTime } from '@ioto/runtime';
import { Check, Default, Errors } from 'typebox/value';
import { type AgentSettings, agentSchema } from '../config.ts';
import { isProperties, type Properties } from './blend.ts';

/** A schema as JSON Schema, as far as this walk needs it. */
interface SchemaNode {
  unit?: keyof typeof UNITS;
  type?: string;
  const?: unknown;
  anyOf?: SchemaNode[];
  items?: SchemaNode;
  properties?: Record<string, SchemaNode>;
  /** Of a record: what each of its properties is. */
  patternProperties?: Record<string, SchemaNode>;
  minimum?: number;
  maximum?: number;
}

/** Kinds of quantities: what reads them, and an example for whoever wrote something else. */
const UNITS = {
  time: { parse: parseTime, example: "a time such as '15secs'" },
  size: { parse: parseSize, example: "a size such as '10k'" },
  count: { parse: parseCount, example: "a whole number or 'unlimited'" },
};

/** Says where the property at a path was set, for the head of an error message. */
export type Locate = (path: string[]) => string;

/**
 * The settings that blended properties make: defaults filled in, checked, units converted, frozen.
 *
 * @throws CONFIG_INVALID with the place, the property and what it may be.
 */
export function makeSettings(properties: Properties, locate: Locate): AgentSettings {
  const value = Default(agentSchema, structuredClone(properties));
  if (!Check(agentSchema, value)) {
    const path = firstErrorPath(Errors(agentSchema, value));
    throw invalid(path, locate, `must be ${expected(schemaAt(path))}`);
  }
  convertUnits(agentSchema as SchemaNode, value as Properties, [], locate);
  return deepFreeze(value) as AgentSettings;
}

function firstErrorPath(errors: readonly { instancePath: string }[]): string[] {
  const pointer = errors[0]?.instancePath ?? '';
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function schemaAt(path: readonly string[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = agentSchema as SchemaNode;
  for (const part of path) {
    node = node && (propertyOf(node, part) ?? (isIndex(part) ? node.items : undefined));
  }
  return node;
}

/** The schema of a property; of a record, what each of its properties is. */
function propertyOf(
  { properties, patternProperties = {} }: SchemaNode,
  name: string,
): SchemaNode | undefined {
  return properties?.[name] ?? Object.values(patternProperties)[0];
}

function isIndex(part: string): boolean {
  return /^\d+$/.test(part);
}

function expected(node: SchemaNode | undefined): string {
  if (!node) return 'of another type';
  if (node.unit) return UNITS[node.unit].example;
  if (node.const !== undefined) return JSON.stringify(node.const);
  if (node.anyOf) return node.anyOf.map(expected).join(' or ');
  const range =
    node.minimum === undefined
      ? ''
      : ` from ${node.minimum}${node.maximum === undefined ? '' : ` to ${node.maximum}`}`;
  return `${node.type === 'integer' ? 'a whole number' : `${/^[aeio]/.test(node.type ?? '') ? 'an' : 'a'} ${node.type}`}${range}`;
}

/** Times become milliseconds and sizes bytes, wherever they stand. */
export function convertUnits(node: SchemaNode, value: Properties, path: string[], locate: Locate): void {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    if (value[name] !== undefined) value[name] = converted(child, value[name], [...path, name], locate);
  }
}

/** What stands at `path`, its own units or those of what it holds converted. */
function converted(node: SchemaNode, value: unknown, path: string[], locate: Locate): unknown {
  if (isProperties(value)) {
    convertUnits(node, value, path, locate);
    return value;
  }
  const { items, unit } = node;
  if (Array.isArray(value) && items) {
    return value.map((each, at) => converted(items, each, [...path, String(at)], locate));
  }
  if (!unit) return value;
  try {
    return UNITS[unit].parse(value as string | number);
  } catch (error) {
    throw invalid(path, locate, messageOf(error));
  }
}

/** Groups whose names are anybody's: what describes a device, what a cloud said, and services of other builds. */
const OPEN = new Set(['device', 'provision', 'services', 'conditional']);
/** What files of Ioto say of its own server, which ours has no use for. */
const OTHERS = new Set(['web.show', 'web.log', 'web.limits.fibers', 'web.conditional']);

/** Paths of properties that are no settings: slips of the pen, mostly. A name that begins with `_` is switched off on purpose. */
export function unreadProperties(properties: Properties): string[][] {
  const unread: string[][] = [];
  const walk = (node: SchemaNode, value: unknown, path: readonly string[]): void => {
    if (Array.isArray(value)) {
      for (const [at, each] of value.entries()) walk(node.items ?? {}, each, [...path, String(at)]);
    } else if (isProperties(value) && (node.properties || node.patternProperties)) {
      for (const [name, inner] of Object.entries(value)) {
        const child = propertyOf(node, name);
        if (name.startsWith('_') || (path.length === 0 && OPEN.has(name))) continue;
        const whole = [...path, name];
        if (child) walk(child, inner, whole);
        else if (!OTHERS.has(whole.join('.'))) unread.push(whole);
      }
    }
  };
  walk(agentSchema as SchemaNode, properties, []);
  return unread;
}

export function invalid(path: string[], locate: Locate, message: string): CodedError {
  return new CodedError('CONFIG_INVALID', `${locate(path)}: ${path.join('.')}: ${message}`);
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}
