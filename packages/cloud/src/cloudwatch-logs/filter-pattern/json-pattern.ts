import type { LogMatcher } from '../../ports/log-store.ts';
import { readComparison, readOperator, wordsMustHave } from './comparison.ts';
import { type Condition, readCondition } from './condition.ts';
import { allOf, longest } from './must-have.ts';
import { Reading } from './reading.ts';

/** A step into a value: a name, an index, or all elements. */
type Step = string | number | '[*]';

/** Characters of a value without quotes. */
const BARE = /[^\s(){}|&"=<>!]+/y;

/** `{ ($.user.name = "A*") && ($.codes[0] >= 500 || $.cause NOT EXISTS) }`: JSON objects and arrays by their values. */
export function compileJsonPattern(text: string): LogMatcher {
  const reading = new Reading(text);
  reading.require('{');
  const { holds, mustHave, literals } = readCondition<unknown>(reading, readTest);
  reading.require('}');
  reading.skipBlanks();
  if (!reading.isOver) throw reading.error('nothing may follow the pattern');
  const match = (message: string) => {
    const value = parsed(message);
    return value !== undefined && holds(value);
  };
  return { match, mustHave, literal: longest(literals), ofJson: true };
}

function readTest(reading: Reading): Condition<unknown> {
  const path = readPath(reading);
  const steps = path.filter((step) => typeof step === 'string' && step !== '[*]').map(String);
  const there = { mustHave: allOf(steps.map(wordsMustHave)), literals: steps.flatMap(quotedOf) };
  if (reading.takeWord('NOT')) {
    if (!reading.takeWord('EXISTS')) throw reading.error('NOT EXISTS is meant');
    return { holds: (value) => reach(value, path).length === 0, mustHave: [], literals: [] };
  }
  if (reading.takeWord('EXISTS')) return { holds: (value) => reach(value, path).length > 0, ...there };
  if (reading.takeWord('IS')) {
    const wanted = reading.takeWord('TRUE') ? true : reading.takeWord('FALSE') ? false : isNull(reading);
    return { holds: (value) => reach(value, path).includes(wanted), ...there };
  }
  const operator = readOperator(reading);
  if (!operator) throw reading.error('=, !=, <, >, <=, >=, IS, EXISTS or NOT EXISTS is missing');
  const comparison = readComparison(reading, operator, BARE);
  const takes = (value: unknown) => {
    if (comparison.takesAny) return true;
    if (typeof value === 'string') return comparison.ofText(value);
    return typeof value === 'number' && comparison.ofNumber(value);
  };
  return {
    holds: (value) => reach(value, path).some(takes),
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

/** The values that a path leads to: one, or none, or several by way of `[*]`. */
function reach(value: unknown, path: readonly Step[], from = 0): unknown[] {
  let reached = value;
  for (let i = from; i < path.length; i += 1) {
    const step = path[i] as Step;
    if (step === '[*]') {
      return Array.isArray(reached) ? reached.flatMap((element) => reach(element, path, i + 1)) : [];
    }
    if (typeof reached !== 'object' || reached === null) return [];
    if (Array.isArray(reached) !== (typeof step === 'number') || !Object.hasOwn(reached, step)) return [];
    reached = (reached as Record<Step, unknown>)[step];
  }
  return [reached];
}

/** Undefined for what is no JSON object or array; most lines are told by their first character. */
function parsed(message: string): unknown {
  if (!/^\s*[{[]/.test(message)) return undefined;
  try {
    return JSON.parse(message);
  } catch {
    return undefined;
  }
}
