import { fstatSync, writeSync } from 'node:fs';
import { systemCode } from './errors.ts';
import { linesForPeople } from './log.ts';

/** Somewhere that lines of a log go. */
export interface LineOutput {
  write(line: string): void;
}

const STDERR = 2;
const ignored = () => undefined;

/**
 * Standard error for a program's log: lines for people on a terminal, JSON for everything that collects logs. A program must not
 * end because its log cannot be written: what a full disk refuses is counted, and told when there is room again.
 */
export function standardError(): LineOutput {
  // Without a listener the first error of the stream would end the program; one is enough for all who ask.
  process.stderr.off('error', ignored).on('error', ignored);
  if (process.stderr.isTTY) return linesForPeople(process.stderr);
  return isFile(STDERR) ? new LinesOfFile((line) => void writeSync(STDERR, line)) : process.stderr;
}

/** Node's own stream of a file takes nothing more after its first error; this one does. */
export class LinesOfFile implements LineOutput {
  readonly #write: (line: string) => void;
  #lost = 0;
  #code: string | undefined;

  constructor(write: (line: string) => void) {
    this.#write = write;
  }

  write(line: string): void {
    try {
      if (this.#lost > 0) {
        this.#write(this.#gap());
        this.#lost = 0;
      }
      this.#write(line);
    } catch (error) {
      this.#lost += 1;
      this.#code = systemCode(error);
    }
  }

  #gap(): string {
    const facts = { level: 'warn', time: new Date().toISOString(), lines: this.#lost, code: this.#code };
    return `${JSON.stringify({ ...facts, msg: 'lines of this log could not be written' })}\n`;
  }
}

function isFile(descriptor: number): boolean {
  try {
    const stats = fstatSync(descriptor);
    // /dev/full and its like refuse as a full disk does.
    return stats.isFile() || stats.isCharacterDevice();
  } catch {
    return false;
  }
}
