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

/** A logger that says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};
