import { openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { CodedError, linesForPeople, standardError, systemCode } from '@ioto/runtime';

/** Where the log goes and which of its lines: `FILE`, `stdout`, `stderr`, with `:LEVELS` behind. */
export interface Trace {
  readonly file: string;
  /** All of them when undefined. */
  readonly levels: ReadonlySet<string> | undefined;
}

const LEVELS = ['debug', 'info', 'warn', 'error'];

/** @throws USAGE for levels that there are not. */
export function parseTrace(text: string): Trace {
  const [file = '', levels, ...more] = text.split(':');
  const named = levels === undefined || levels === 'all' ? undefined : levels.split(',');
  const unknown = named?.find((level) => !LEVELS.includes(level));
  if (file === '' || unknown !== undefined || more.length > 0) {
    const problem =
      unknown === undefined ? 'it must be FILE or FILE:LEVELS' : `there is no level "${unknown}"`;
    throw new CodedError('USAGE', `--trace ${text}: ${problem}; levels are ${LEVELS.join(', ')}`);
  }
  return { file, levels: named && new Set(named) };
}

/** The most talkative level of a trace; undefined when it names none. */
export function levelOf({ levels }: Trace) {
  return (['debug', 'info', 'warn', 'error'] as const).find((level) => levels?.has(level));
}

/** Opens it for the log. @throws TRACE_UNWRITABLE */
export function openTrace({ file, levels }: Trace): { write(line: string): void } {
  const out = outputOf(file);
  if (!levels) return out;
  return {
    write(line) {
      // Each line is an object whose first property is its level.
      const level = /^\{"level":"(\w+)"/.exec(line)?.[1];
      if (level === undefined || levels.has(level)) out.write(line);
    },
  };
}

function outputOf(file: string): { write(line: string): void } {
  if (file === 'stderr') return standardError();
  if (file === 'stdout') return process.stdout.isTTY ? linesForPeople(process.stdout) : process.stdout;
  try {
    const descriptor = openSync(resolve(file), 'a', 0o600);
    return { write: (line) => void writeSync(descriptor, line) };
  } catch (error) {
    throw new CodedError('TRACE_UNWRITABLE', `--trace: cannot write to ${file} (${systemCode(error)})`, {
      cause: error,
    });
  }
}
