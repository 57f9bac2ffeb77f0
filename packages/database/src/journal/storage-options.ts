import type { DatabaseOptions } from '../options.ts';
import { nodeFiles } from './node-files.ts';
import type { StorageOptions } from './storage.ts';

const DEFAULT_JOURNAL_SIZE = 1024 * 1024;
const DEFAULT_JOURNAL_AGE = 5000;

/** What a database's options say of its files, with the defaults. */
export function storageOptionsOf(options: DatabaseOptions): StorageOptions {
  const { clock, logger, files, directory, name, maxJournalSize, maxJournalAge } = options;
  return {
    clock,
    logger,
    files: files ?? nodeFiles,
    directory,
    name: name ?? 'device',
    maxJournalSize: maxJournalSize ?? DEFAULT_JOURNAL_SIZE,
    maxJournalAge: maxJournalAge ?? DEFAULT_JOURNAL_AGE,
  };
}
