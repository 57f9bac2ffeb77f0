import { Database, type DatabaseOptions } from '@ioto/database';
import type { Clock, Component, Emitter, Logger } from '@ioto/runtime';
import { CodedError } from '@ioto/runtime';
import type { AgentEvents } from '../../agent-events.ts';
import type { AgentSettings } from '../../config.ts';
import type { Directories } from '../../config-loading/directories.ts';
import { SYNC_GENERATION } from '../sync/hello.ts';
import { loadSchema, locateSchema } from './schema-file.ts';

export interface DatabaseServiceOptions {
  settings: AgentSettings['database'];
  /** Bytes of the largest item. */
  maxItemSize: number;
  directories: Directories;
  clock: Clock;
  logger: Logger;
  events: Emitter<AgentEvents>;
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
    const { events, ...options } = this.#options;
    this.#database = await Database.open(await databaseOptions(options));
    const { salvaged } = this.#database.stats;
    if (salvaged) events.emit('database:salvaged', salvaged);
  }

  async stop(): Promise<void> {
    await this.#database?.close();
    this.#database = undefined;
  }
}

/**
 * How the agent opens its database, as its settings say.
 *
 * @throws SCHEMA_INVALID.
 */
export async function databaseOptions({
  settings,
  maxItemSize,
  directories,
  clock,
  logger,
}: Omit<DatabaseServiceOptions, 'events'>): Promise<DatabaseOptions> {
  return {
    directory: directories.db,
    name: databaseName(settings.path),
    schema: await loadSchema(settings.schema && locateSchema(settings.schema, directories)),
    clock,
    logger,
    maxItemSize,
    durability: settings.durability,
    onDamage: settings.onDamage,
    // A device that has lost something is in step with nobody: everything is compared with the cloud again.
    forgetWhenSalvaged: ['SyncState', SYNC_GENERATION],
    maxSize: settings.maxSize,
    maxQueue: settings.maxQueue,
    maxJournalSize: settings.maxJournalSize,
    maxJournalAge: settings.maxJournalAge,
    tombstoneAge: settings.tombstones,
  };
}

/** `database.path` names the main file; the database adds its own endings. */
export function databaseName(path: string): string {
  return path.replace(/\.db$/, '');
}
