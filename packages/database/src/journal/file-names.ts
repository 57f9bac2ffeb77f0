import { join } from 'node:path';
import { fail } from '../errors.ts';

/**
 * The files of a database: `NAME.db`, the snapshot, and `NAME.N.journal`, what happened since. A snapshot of generation N
 * is followed by the journals N, N+1, …; earlier ones are leftovers.
 */
export class FileNames {
  readonly directory: string;
  readonly name: string;

  /** @throws DATABASE_UNREADABLE for a name that is none for a file. */
  constructor(directory: string, name: string) {
    if (!/^[A-Za-z0-9][\w-]{0,63}$/.test(name)) {
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
        .filter((file) => /^(db|\d+\.journal)\.tmp$/.test(file.slice(this.name.length + 1)))
        .map((file) => join(this.directory, file)),
    };
  }
}
