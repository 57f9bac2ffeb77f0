import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import {
  checkDatabase,
  Database,
  type DatabaseCheck,
  type DatabaseOptions,
  type Salvaged,
  salvageDatabase,
} from '@ioto/database';
import {
  CodedError,
  createLogger,
  isCodedError,
  lockStateDirectory,
  silentLogger,
  standardError,
  systemClock,
} from '@ioto/runtime';
import type { AgentOptions } from '../agent.ts';
import { loadConfig, locateDirectories } from '../config-loading/load-config.ts';
import { databaseOptions } from '../services/database/service.ts';

/** The database's files, for a program that is not the agent. */
export class DatabaseFiles {
  readonly state: string;
  readonly #options: DatabaseOptions;

  private constructor(state: string, options: DatabaseOptions) {
    this.state = state;
    this.#options = options;
  }

  /** @throws CONFIG_SYNTAX, CONFIG_INVALID, SCHEMA_INVALID. */
  static async locate(options: AgentOptions): Promise<DatabaseFiles> {
    const directories = await locateDirectories(options);
    const { settings } = await loadConfig(options, directories);
    const logger = createLogger('ioto', { level: 'warn', destination: standardError() });
    const database = await databaseOptions({
      settings: settings.database,
      maxItemSize: settings.limits.item,
      directories,
      clock: systemClock,
      logger,
    });
    return new DatabaseFiles(directories.state, database);
  }

  /** Without a change to the files. @throws DATABASE_CORRUPT, DATABASE_UNREADABLE. */
  async look(): Promise<Database> {
    this.#requireSome();
    return Database.inspect(this.#options);
  }

  /**
   * Opens the database for `work`. @throws STATE_IN_USE while a program has it open.
   */
  async write<T>(work: (database: Database) => Promise<T>): Promise<T> {
    const lock = lockStateDirectory(this.state);
    try {
      const database = await Database.open({ ...this.#options, onDamage: 'refuse' });
      try {
        return await work(database);
      } finally {
        await database.close();
      }
    } finally {
      lock.release();
    }
  }

  /** @throws STATE_IN_USE while a program has the database open; DATABASE_CORRUPT. */
  async salvage(): Promise<Salvaged | undefined> {
    this.#requireSome();
    const lock = lockStateDirectory(this.state);
    try {
      // What it would log is what it resolves with.
      return await salvageDatabase({ ...this.#options, logger: silentLogger });
    } finally {
      lock.release();
    }
  }

  /** A running agent may put other files in the place of those that are read: a bad word counts when it is said again. */
  async check(): Promise<DatabaseCheck> {
    this.#requireSome();
    for (let again = 2; ; again -= 1) {
      try {
        const check = await checkDatabase(this.#options);
        if (check.isSound || again === 0) return check;
      } catch (error) {
        if (again === 0 || !isCodedError(error)) throw error;
      }
      await delay(100);
    }
  }
  /** Mostly somebody forgot `--state`, and reads of a device that has nothing. @throws DATABASE_UNREADABLE */
  #requireSome(): void {
    const { directory } = this.#options;
    if (existsSync(directory)) return;
    const message = `there is no database in ${directory}: name the state directory of the agent with --state, or --config DIR as for the agent`;
    throw new CodedError('DATABASE_UNREADABLE', message);
  }
}
