import { stat } from 'node:fs/promises';
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
  systemCode,
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
    await this.#requireSome();
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
    await this.#requireSome();
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
    await this.#requireSome();
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

  /** Whoever mistyped the state directory must not be told that all is well in an empty one. */
  async #requireSome(): Promise<void> {
    const { directory } = this.#options;
    const kind = await kindOf(directory);
    if (kind === 'other') {
      throw new CodedError('DATABASE_UNREADABLE', `${directory} is no directory`, {
        details: { file: directory },
      });
    }
    if (kind !== 'none') return;
    const message = `there is no database in ${this.state}: no agent has run on it yet. Name another state directory with --state`;
    throw new CodedError('DATABASE_UNREADABLE', message, { details: { file: directory } });
  }
}

/** What cannot be looked at is left to those who read it. */
async function kindOf(path: string): Promise<'none' | 'directory' | 'other'> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'other';
  } catch (error) {
    if (systemCode(error) === 'ENOTDIR') return 'other';
    return systemCode(error) === 'ENOENT' ? 'none' : 'directory';
  }
}
