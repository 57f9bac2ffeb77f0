import type { Logger, LogLevel } from '@ioto/runtime';

/**
 * What the log of a program uses of the library pino, for the files that `ioto build` makes: the same lines. The library
 * itself brings worker threads along, and 60 KB for what is not used here.
 */

interface Options {
  level: LogLevel;
  base: object;
  redact: { paths: readonly string[]; censor: string };
}

const RANKS: Record<LogLevel, number> = { debug: 20, info: 30, warn: 40, error: 50, silent: Infinity };

export function pino({ level, base, redact }: Options, destination: { write(line: string): void }): Logger {
  return new JsonLog(level, base, new Redaction(redact), destination);
}

pino.stdTimeFunctions = { isoTime: undefined };

class JsonLog implements Logger {
  level: LogLevel;
  readonly #bound: object;
  readonly #redaction: Redaction;
  readonly #destination: { write(line: string): void };

  constructor(
    level: LogLevel,
    bound: object,
    redaction: Redaction,
    destination: { write(line: string): void },
  ) {
    this.level = level;
    this.#bound = bound;
    this.#redaction = redaction;
    this.#destination = destination;
  }

  debug = (facts: object, message: string) => this.#write('debug', facts, message);
  info = (facts: object, message: string) => this.#write('info', facts, message);
  warn = (facts: object, message: string) => this.#write('warn', facts, message);
  error = (facts: object, message: string) => this.#write('error', facts, message);

  child(facts: object): Logger {
    const bound = { ...this.#bound, ...facts };
    return new JsonLog(this.level, bound, this.#redaction, this.#destination);
  }

  #write(level: LogLevel, facts: object, msg: string): void {
    if (RANKS[level] < RANKS[this.level]) return;
    const head = { level, time: new Date().toISOString() };
    const told = this.#redaction.of({ ...this.#bound, ...facts }) as object;
    this.#destination.write(`${textOf({ ...head, ...told, msg })}\n`);
  }
}

/** Puts a word in the place of secrets, which are told by their names, down to a certain depth. */
class Redaction {
  readonly #names: ReadonlySet<string>;
  readonly #depth: number;
  readonly #censor: string;

  /** @param paths `name`, `*.name`, `*.*.name` of each secret, as pino wants them */
  constructor({ paths, censor }: Options['redact']) {
    const parts = paths.map((path) => path.split('.'));
    this.#names = new Set(parts.map((each) => each.at(-1) ?? ''));
    this.#depth = Math.max(...parts.map(({ length }) => length));
    this.#censor = censor;
  }

  of(value: unknown, depth = 1): unknown {
    if (depth > this.#depth) return value;
    if (Array.isArray(value)) return value.map((each) => this.of(each, depth + 1));
    if (!isPlain(value)) return value;
    const copy: Record<string, unknown> = {};
    for (const [name, held] of Object.entries(value)) {
      copy[name] = this.#names.has(name) ? this.#censor : this.of(held, depth + 1);
    }
    return copy;
  }
}

/** What says itself how it is to be written, as dates do, is left alone. */
function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !('toJSON' in value);
}

/** A line that cannot be written is worth less than one that says so. */
function textOf(line: Record<string, unknown>): string {
  try {
    return JSON.stringify(line, (_name, value) => (typeof value === 'bigint' ? Number(value) : value));
  } catch (error) {
    const { level, time, name, msg } = line;
    return JSON.stringify({ level, time, name, msg, unwritable: String(error) });
  }
}
