import { chmod, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { SessionChange, SessionStore, StoredState } from '@ioto/mqtt';
import { CodedError, type Component, type Logger, messageOf } from '@ioto/runtime';
import { open, type RootDatabase } from 'lmdb';
import { closeLmdb, LMDB_OPTIONS, lmdbFileFault } from './lmdb-file.ts';
import { planCommit } from './session-commit.ts';
import { SessionIndex } from './session-index.ts';
import { META_KEY, SPACE, sessionRange } from './session-keys.ts';
import { SessionLoader } from './session-loader.ts';
import { BARE_RECORD, readRecord, sessionStoreError } from './session-records.ts';

/** Faults that are logged one by one; the rest is counted. */
const LOGGED_FAULTS = 20;

type Database = RootDatabase<Buffer, Buffer>;

export interface LmdbSessionStoreOptions {
  /** Directory of the store's files, made when missing. */
  directory: string;
  logger: Logger;
}

/**
 * MQTT sessions and retained messages on LMDB: compact records of their own for facts, subscriptions and messages, one
 * transaction for each commit, and little more in memory than the number of each session.
 */
export class LmdbSessionStore implements SessionStore, Component {
  readonly name = 'session store';
  readonly #options: LmdbSessionStoreOptions;
  #database: Database | undefined;
  #index = new SessionIndex();
  /** The last commit failed: what of it is on disk is not known. */
  #doubtful = false;

  constructor(options: LmdbSessionStoreOptions) {
    this.#options = options;
  }

  /** @throws SESSIONS_UNREADABLE, SESSIONS_NEWER, SESSIONS_UNWRITABLE */
  async start(): Promise<void> {
    const { directory } = this.#options;
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const fault = await lmdbFileFault(directory);
      if (fault) throw this.#unreadable(fault);
      this.#database = open<Buffer, Buffer>({ path: directory, encoding: 'binary', ...LMDB_OPTIONS });
      await Promise.all(['data.mdb', 'lock.mdb'].map((file) => chmod(join(directory, file), 0o600)));
      await this.#checkVersion(this.#database);
    } catch (error) {
      await this.stop();
      throw error instanceof CodedError ? error : this.#unreadable(messageOf(error), error);
    }
  }

  async stop(): Promise<void> {
    const database = this.#database;
    this.#database = undefined;
    if (database) await closeLmdb(database);
  }

  /** Logs what it passes over. @throws SESSIONS_NEWER, SESSIONS_UNREADABLE */
  async load(): Promise<StoredState> {
    const database = this.#open();
    const loader = new SessionLoader(this.#file);
    for (const space of [SPACE.message, SPACE.session, SPACE.retained]) {
      const range = { start: Buffer.from([space]), end: Buffer.from([space + 1]) };
      for (const { key, value } of this.#reading(() => database.getRange(range))) loader.take(key, value);
    }
    const state = loader.finish();
    this.#index = loader.index;
    this.#tell(loader);
    const { useless, lost } = loader;
    if (useless.length + lost.length > 0)
      await this.#write(
        database,
        [...useless, ...this.#keysOf(database, lost)].map((key) => ({ key })),
      );
    return state;
  }

  /** @throws SESSIONS_UNWRITABLE: nothing is changed, or all of it; the same changes must come again. */
  async commit(changes: readonly SessionChange[]): Promise<void> {
    const database = this.#open();
    const { writes, ended, settle } = planCommit(changes, this.#index, { doubtful: this.#doubtful });
    for (const key of this.#keysOf(database, ended)) writes.push({ key });
    if (writes.length > 0) {
      this.#doubtful = true;
      await this.#write(database, writes);
    }
    this.#doubtful = false;
    settle();
  }

  get #file(): string {
    return join(this.#options.directory, 'data.mdb');
  }

  async #checkVersion(database: Database): Promise<void> {
    const meta = database.get(META_KEY);
    if (meta) readRecord(`the version of ${this.#file}`, meta, () => undefined);
    else if (database.getKeysCount({ limit: 1 }) > 0)
      throw this.#unreadable('it holds records without a version');
    else await this.#write(database, [{ key: META_KEY, value: BARE_RECORD }]);
  }

  #keysOf(database: Database, sessions: readonly number[]): Buffer[] {
    return sessions.flatMap((session) => [...database.getKeys(sessionRange(session))]);
  }

  /** All or none, durable when resolved. */
  async #write(database: Database, writes: readonly { key: Buffer; value?: Buffer }[]): Promise<void> {
    try {
      // As a child: one that throws half-way is undone, where the transaction around it would be committed.
      await database.childTransaction(() => {
        for (const { key, value } of writes) {
          if (value) database.put(key, value);
          else database.remove(key);
        }
      });
      await database.flushed;
    } catch (error) {
      // lmdb rejects this second promise too; unheard, it would end the process.
      (error as { commitError?: Promise<unknown> }).commitError?.catch(() => undefined);
      const message = `${this.#file} cannot be written: is the disk of the state directory full?`;
      throw sessionStoreError('SESSIONS_UNWRITABLE', message, { cause: error });
    }
  }

  #reading<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw this.#unreadable(messageOf(error), error);
    }
  }

  #tell({ faults }: SessionLoader): void {
    const { logger } = this.#options;
    for (const fault of faults.slice(0, LOGGED_FAULTS))
      logger.error(fault, 'a stored session record is passed over');
    if (faults.length <= LOGGED_FAULTS) return;
    logger.error(
      { file: this.#file, faults: faults.length },
      'that many stored session records are passed over',
    );
  }

  #unreadable(problem: string, cause?: unknown): CodedError {
    const message = `${this.#file} is no session store that can be read: ${problem}; move it away to start without sessions`;
    return sessionStoreError('SESSIONS_UNREADABLE', message, { cause });
  }

  #open(): Database {
    if (!this.#database) throw sessionStoreError('SESSIONS_CLOSED', 'the session store is not open');
    return this.#database;
  }
}
