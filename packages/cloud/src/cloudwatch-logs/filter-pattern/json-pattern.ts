import { readComparison, readOperator, wordsMustHave } from './comparison.ts';
import { type Condition, readCondition } from './condition.ts';
import { allOf, longest } from './must-have.ts';
import type { Pattern } from './pattern.ts';
import { Reading } from './reading.ts';
import type { Work } from './work.ts';

/** A step into a value: a name, an index, or all elements. */
type Step = string | number | '[*]';

/** Work to look at a value, to find one by its name, and to compare one. */
const PER_STEP = 5;
const PER_NAME = 16;
const PER_VALUE = 5;

/** How objects and arrays begin: most lines are told by their first character. */
const BEGINS_JSON = /^\s*[{[]/;
/** Characters of a value without quotes. */
const BARE = /[^\s(){}|&"=<>!]+/y;

/** `{ ($.user.name = "A*") && ($.codes[0] >= 500 || $.cause NOT EXISTS) }`: JSON objects and arrays by their values. */
export function compileJsonPattern(text: string): Pattern {
  const reading = new Reading(text);
  reading.require('{');
  const { holds, mustHave, literals } = readCondition<unknown>(reading, readTest);
  reading.require('}');
  reading.skipBlanks();
  if (!reading.isOver) throw reading.error('nothing may follow the pattern');
  const match = (message: string, work: Work) => {
    if (!BEGINS_JSON.test(message)) return false;
    work.spend(message.length);
    const value = parsed(message);
    return value !== undefined && holds(value, work);
  };
  return { match, mustHave, literal: longest(literals), ofJson: true };
}

function readTest(reading: Reading): Condition<unknown> {
  const path = readPath(reading);
  const steps = path.filter((step) => typeof step === 'string' && step !== '[*]').map(String);
  const there = { mustHave: allOf(steps.map(wordsMustHave)), literals: steps.flatMap(quotedOf) };
  if (reading.takeWord('NOT')) {
    if (!reading.takeWord('EXISTS')) throw reading.error('NOT EXISTS is meant');
    return { holds: (value, work) => !leads(value, path, isThere, work), mustHave: [], literals: [] };
  }
  if (reading.takeWord('EXISTS')) {
    return { holds: (value, work) => leads(value, path, isThere, work), ...there };
  }
  if (reading.takeWord('IS')) {
    const wanted = reading.takeWord('TRUE') ? true : reading.takeWord('FALSE') ? false : isNull(reading);
    return { holds: (value, work) => leads(value, path, (found) => found === wanted, work), ...there };
  }
  const operator = readOperator(reading);
  if (!operator) throw reading.error('=, !=, <, >, <=, >=, IS, EXISTS or NOT EXISTS is missing');
  const comparison = readComparison(reading, operator, BARE);
  const takes = (value: unknown, work: Work) => {
    if (comparison.takesAny) return true;
    if (typeof value === 'string') return comparison.ofText(value, work);
    return typeof value === 'number' && comparison.ofNumber(value, work);
  };
  return {
    holds: (value, work) => leads(value, path, takes, work),
    mustHave: allOf([there.mustHave, comparison.mustHave]),
    literals: [...there.literals, ...quotedOf(comparison.only)],
  };
}

/** A text as JSON has it, where that has one way only to write it, apart from `\u`. */
function quotedOf(text: string | undefined): string[] {
  return text === undefined || /["\\/\x00-\x1f]/.test(text) ? [] : [`"${text}"`];
}

function isNull(reading: Reading): null {
  if (!reading.takeWord('NULL')) throw reading.error('IS takes TRUE, FALSE or NULL');
  return null;
}

/** `$.name.other[0]['any name'][*]` */
function readPath(reading: Reading): Step[] {
  reading.require('$');
  const path: Step[] = [];
  for (;;) {
    const next = reading.text[reading.at];
    if (next === '.') {
      reading.at += 1;
      const quote = reading.text[reading.at];
      if (quote === '[') continue;
      const name = quote === '"' ? reading.quoted('"') : reading.match(/[\w\-@:]+/y);
      if (name === undefined) throw reading.error('a name is missing');
      path.push(name);
    } else if (next === '[') {
      reading.at += 1;
      path.push(readBracket(reading));
      reading.require(']');
    } else {
      return path;
    }
  }
}

function readBracket(reading: Reading): Step {
  reading.skipBlanks();
  const next = reading.text[reading.at] ?? '';
  if (next === '"' || next === "'") return reading.quoted(next);
  if (reading.take('*')) return '[*]';
  const index = reading.match(/\d{1,9}/y);
  if (index === undefined) throw reading.error('an index or a name in quotes is missing');
  return Number(index);
}

type Takes = (value: unknown, work: Work) => boolean;

const isThere: Takes = () => true;

/** True when the path leads to a value that is taken: to one, or by way of `[*]` to one of several, up to the first. */
function leads(value: unknown, path: readonly Step[], takes: Takes, work: Work, from = 0): boolean {
  let reached = value;
  for (let i = from; i < path.length; i += 1) {
    const step = path[i] as Step;
    work.spend(PER_STEP);
    if (step === '[*]') {
      if (!Array.isArray(reached)) return false;
      for (let at = 0; at < reached.length; at += 1) {
        if (leads(reached[at], path, takes, work, i + 1)) return true;
      }
      return false;
    }
    if (typeof reached !== 'object' || reached === null) return false;
    work.spend(PER_NAME);
    if (Array.isArray(reached) !== (typeof step === 'number') || !Object.hasOwn(reached, step)) return false;
    reached = (reached as Record<Step, unknown>)[step];
  }
  work.spend(PER_VALUE);
  return takes(reached, work);
}

/** Undefined for what is no JSON. */
function parsed(message: string): unknown {
  try {
    return JSON.parse(message);
  } catch {
    return undefined;
  }
}
