import { closeSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { CodedError, makePrivateDirectory, messageOf, standardError } from '@ioto/runtime';

/** Where lines of the program's log go. */
export interface LogDestination {
  write(line: string): void;
}

/**
 * The destination that `log.path` names: standard error without it, a file, or the cloud, to which the service logs sends
 * what it is lent; then only errors go to standard error as well, for whoever looks why nothing arrives there.
 *
 * @param path absolute, `'cloud'`, or undefined
 * @throws CONFIG_INVALID when the file cannot be written
 */
export function logDestination(path: string | undefined): LogDestination {
  if (path === undefined) return standardError();
  return path === 'cloud' ? onlyErrors(standardError()) : appendingTo(path);
}

function onlyErrors(out: LogDestination): LogDestination {
  return { write: (line) => (line.startsWith('{"level":"error"') ? out.write(line) : undefined) };
}

/** Opened for each line, so that a rotation of the file is followed: a program's log is a line now and then. */
function appendingTo(path: string): LogDestination {
  const write = (line: string) => {
    const descriptor = openSync(path, 'a', 0o600);
    try {
      writeSync(descriptor, line);
    } finally {
      closeSync(descriptor);
    }
  };
  try {
    makePrivateDirectory(dirname(path));
    write('');
  } catch (error) {
    throw new CodedError('CONFIG_INVALID', `log.path: ${messageOf(error)}`, { cause: error });
  }
  const fallback = standardError();
  return {
    write(line) {
      try {
        write(line);
      } catch {
        // A full disk must not end the program, nor take its log with it.
        fallback.write(line);
      }
    },
  };
}
