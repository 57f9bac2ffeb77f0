import type { LogMatcher } from '../../ports/log-store.ts';
import { readComparison, readOperator, wordsMustHave } from './comparison.ts';
import { readCondition } from './condition.ts';
import { allOf, longestWord, type MustHave } from './must-have.ts';
import { Reading } from './reading.ts';

/** A step into a value: a name, an index, or all elements. */
type Step = string | number | '[*]';

interface Test {
  holds(value: unknown): boolean;
  mustHave: MustHave;
}

/** Characters of a value without quotes. */
const BARE = /[^\s(){}|&"=<>!]+/y;

/** `{ ($.user.name = "A*") && ($.codes[0] >= 500 || $.cause NOT EXISTS) }`: JSON objects and arrays by their values. */
export function compileJsonPattern(text: string): LogMatcher {
  const reading = new Reading(text);
  reading.require('{');
  const { holds, mustHave } = readCondition<unknown>(reading, readTest);
  reading.require('}');
  reading.skipBlanks();
  if (!reading.isOver) throw reading.error('nothing may follow the pattern');
  const match = (message: string) => {
    const value = parsed(message);
    return value !== undefined && holds(value);
  };
  return { match, mustHave, literal: longestWord(mustHave), ofJson: true };
}

function readTest(reading: Reading): Test {
  const path = readPath(reading);
  const names = allOf(
    path
      .filter((step) => typeof step === 'string' && step !== '[*]')
      .map(String)
      .map(wordsMustHave),
  );
  if (reading.takeWord('NOT')) {
    if (!reading.takeWord('EXISTS')) throw reading.error('NOT EXISTS is meant');
    return { holds: (value) => reach(value, path).length === 0, mustHave: [] };
  }
  if (reading.takeWord('EXISTS')) return { holds: (value) => reach(value, path).length > 0, mustHave: names };
  if (reading.takeWord('IS')) {
    const wanted = reading.takeWord('TRUE') ? true : reading.takeWord('FALSE') ? false : isNull(reading);
    return { holds: (value) => reach(value, path).includes(wanted), mustHave: names };
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
    mustHave: allOf([names, comparison.mustHave]),
  };
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
function reach(value: unknown, path: readonly Step[]): unknown[] {
  let reached = [value];
  for (const step of path) {
    reached = reached.flatMap((from): unknown[] => {
      if (Array.isArray(from)) {
        if (step === '[*]') return from;
        return typeof step === 'number' && step < from.length ? [from[step]] : [];
      }
      if (typeof from !== 'object' || from === null || typeof step === 'number') return [];
      return Object.hasOwn(from, step) ? [(from as Record<string, unknown>)[step]] : [];
    });
  }
  return reached;
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
