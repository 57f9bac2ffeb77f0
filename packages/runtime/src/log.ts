import { type Logger as PinoLogger, pino } from 'pino';

/** What a part of the program needs to tell its story: structured facts first, a sentence second. Secrets never go in. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
  child(facts: object): Logger;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

export interface LogOptions {
  level: LogLevel;
  /** Where lines go; default standard error, so that standard output stays machine-readable. */
  destination?: { write(line: string): void };
}

/** Names whose values are never written, wherever they stand in the first three levels of the facts. */
const SECRETS = [
  'token',
  'password',
  'key',
  'authorization',
  'secretAccessKey',
  'sessionToken',
  'privateKey',
  'cookie',
];

/** One JSON object per line: `{ level, time, name, …facts, msg }`. */
export function createLogger(name: string, { level, destination = process.stderr }: LogOptions): Logger {
  const logger: PinoLogger = pino(
    {
      name,
      level,
      base: { name },
      redact: {
        paths: SECRETS.flatMap((secret) => [secret, `*.${secret}`, `*.*.${secret}`]),
        censor: '[secret]',
      },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    destination as { write(line: string): void },
  );
  return logger;
}

/** Turns each JSON line into `time level message name=value …`, with the time of day where it is read. */
export function linesForPeople(out: { write(line: string): void }): { write(line: string): void } {
  return { write: (line) => out.write(forPeople(line)) };
}

function forPeople(line: string): string {
  const { level, time, name: _program, msg, ...facts } = JSON.parse(line) as Record<string, unknown>;
  const clock = new Date(String(time)).toTimeString().slice(0, 8);
  const told = Object.entries(facts).flatMap(([name, value]) => tell(name, value));
  return `${[clock, String(level).padEnd(5), printable(String(msg)), ...told].join(' ')}\n`;
}

/** One fact; what lies within an object carries its name in front. */
function tell(name: string, value: unknown): string[] {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.entries(value).flatMap(([inner, held]) => tell(`${name}.${inner}`, held));
  const isPlain = typeof value === 'string' && !/[\s"]/.test(value);
  return [`${name}=${printable(isPlain ? value : JSON.stringify(value))}`];
}

/** What a stranger sent must not move a terminal's cursor. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A logger that says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
