import { join } from 'node:path';
import { fail } from '../errors.ts';

/** True for a name of letters, digits, `_` and `-`, of 64 at most, that a database's files can have. */
export function isDatabaseName(name: string): boolean {
  return /^[A-Za-z0-9][\w-]{0,63}$/.test(name);
}

/**
 * The files of a database: `NAME.db`, the snapshot, and `NAME.N.journal`, what happened since. A snapshot of generation N
 * is followed by the journals N, N+1, …; earlier ones are leftovers.
 */
export class FileNames {
  readonly directory: string;
  readonly name: string;

  /** @throws DATABASE_UNREADABLE for a name that is none for a file. */
  constructor(directory: string, name: string) {
    if (!isDatabaseName(name)) {
      throw fail('DATABASE_UNREADABLE', `${JSON.stringify(name)} is no name for a database`);
    }
    this.directory = directory;
    this.name = name;
  }

  get snapshot(): string {
    return join(this.directory, `${this.name}.db`);
  }

  journal(generation: number): string {
    return join(this.directory, `${this.name}.${generation}.journal`);
  }

  /** The name under which a file is written before it takes its place. */
  temporary(path: string): string {
    return `${path}.tmp`;
  }

  /** A snapshot that a salvage has made, until the damaged files lie aside. */
  salvaged(number: number): string {
    return `${this.snapshot}.salvaged-${number}`;
  }

  /** Where the files lie that salvage `number` has left. */
  damaged(number: number): string {
    return join(this.directory, `${this.name}.damaged-${number}`);
  }

  /** In a directory's listing, the numbers of salvages: those that are not finished, and those whose files lie aside. */
  salvages(listing: readonly string[]): { unfinished: number[]; damaged: number[] } {
    const numbers = (pattern: RegExp) =>
      listing
        .flatMap((file) => {
          const match = file.startsWith(`${this.name}.`) && pattern.exec(file.slice(this.name.length + 1));
          return match ? [Number(match[1])] : [];
        })
        .sort((a, b) => a - b);
    return { unfinished: numbers(/^db\.salvaged-(\d{1,9})$/), damaged: numbers(/^damaged-(\d{1,9})$/) };
  }

  /** Sorts out a directory's listing: generations in ascending order, and what half-written files were left behind. */
  sortOut(listing: readonly string[]): { snapshot: boolean; generations: number[]; leftovers: string[] } {
    const own = listing.filter((file) => file.startsWith(`${this.name}.`));
    const generations = own.flatMap((file) => {
      const match = /^(\d{1,15})\.journal$/.exec(file.slice(this.name.length + 1));
      return match ? [Number(match[1])] : [];
    });
    return {
      snapshot: own.includes(`${this.name}.db`),
      generations: generations.sort((a, b) => a - b),
      leftovers: own
        .filter((file) => /^(db|db\.salvaged-\d+|\d+\.journal)\.tmp$/.test(file.slice(this.name.length + 1)))
        .map((file) => join(this.directory, file)),
    };
  }
}
