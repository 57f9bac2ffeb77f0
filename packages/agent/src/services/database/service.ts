import { Database } from '@ioto/database';
import type { Clock, Component, Logger } from '@ioto/runtime';
import { CodedError } from '@ioto/runtime';
import type { AgentSettings } from '../../config.ts';
import { type Directories, expandPath } from '../../config-loading/directories.ts';
import { loadSchema } from './schema-file.ts';

export interface DatabaseServiceOptions {
  settings: AgentSettings['database'];
  /** Bytes of the largest item. */
  maxItemSize: number;
  directories: Directories;
  clock: Clock;
  logger: Logger;
}

/** Service `database`: the embedded database, open from start to stop. */
export class DatabaseService implements Component {
  readonly name = 'database';
  readonly #options: DatabaseServiceOptions;
  #database: Database | undefined;

  constructor(options: DatabaseServiceOptions) {
    this.#options = options;
  }

  /** @throws AGENT_NOT_READY before `start`. */
  get database(): Database {
    if (this.#database) return this.#database;
    throw new CodedError('AGENT_NOT_READY', 'the database is not open');
  }

  /** @throws SCHEMA_INVALID, DATABASE_CORRUPT, DATABASE_UNREADABLE. */
  async start(): Promise<void> {
    const { settings, maxItemSize, directories, clock, logger } = this.#options;
    const schema = await loadSchema(settings.schema && expandPath(settings.schema, directories));
    this.#database = await Database.open({
      directory: directories.db,
      name: databaseName(settings.path),
      schema,
      clock,
      logger,
      maxItemSize,
      maxJournalSize: settings.maxJournalSize,
      maxJournalAge: settings.maxJournalAge,
      tombstoneAge: settings.tombstones,
      maxQueue: settings.maxQueue,
    });
    const { tornTail } = this.#database.stats;
    if (tornTail) logger.warn({ ...tornTail }, 'cut off a write that a power cut had left unfinished');
  }

  async stop(): Promise<void> {
    await this.#database?.close();
    this.#database = undefined;
  }
}

/** `database.path` names the main file; the database adds its own endings. */
export function databaseName(path: string): string {
  return path.replace(/\.db$/, '');
}
