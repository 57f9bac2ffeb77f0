export { Backoff, type BackoffOptions } from './backoff.ts';
export { type Clock, isoTime, sleep, systemClock } from './clock.ts';
export {
  CodedError,
  type CodedErrorOptions,
  type ErrorKind,
  errorCatalogue,
  isCodedError,
  isRetryable,
  messageOf,
  systemCode,
} from './errors.ts';
export { Emitter, type EventMap } from './events.ts';
export {
  makePrivateDirectory,
  readTextIfPresent,
  removeFileDurably,
  syncDirectory,
  type WriteOptions,
  writeFileDurably,
} from './files.ts';
export { isUlid, newUlid } from './ids.ts';
export { type Json5Token, json5 } from './json5.ts';
export { type Component, Lifecycle } from './lifecycle.ts';
export {
  createLogger,
  type Logger,
  type LogLevel,
  type LogOptions,
  linesForPeople,
  silentLogger,
} from './log.ts';
export { Recurring, type RecurringOptions } from './recurring.ts';
export { standardError } from './standard-error.ts';
export { lockStateDirectory, type StateLock } from './state-lock.ts';
export { parseCount, parseSize, parseTime } from './units.ts';
