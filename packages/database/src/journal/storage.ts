import { randomUUID } from 'node:crypto';
import { type Clock, type Logger, messageOf, systemCode } from '@ioto/runtime';
import { fail } from '../errors.ts';
import type { TornTail } from '../options.ts';
import { Committer, type Unit } from './committer.ts';
import type { FileLayer } from './file-layer.ts';
import { FileNames } from './file-names.ts';
import { encodeHead } from './head.ts';
import { createJournalFile, JournalFile } from './journal-file.ts';
import type { Operation } from './operation.ts';
import { type Recovered, recover, unreadable } from './recovery.ts';
import { encodeRows } from './rows.ts';
import { writeSnapshot } from './snapshot.ts';

export interface StorageOptions {
  files: FileLayer;
  directory: string;
  name: string;
  clock: Clock;
  logger: Logger;
  maxJournalSize: number;
  maxJournalAge: number;
}

/** What storage asks of the memory that it keeps. */
export interface Memory {
  replay(operation: Operation): void;
  /** The operations that make what is in memory now out of nothing. */
  capture(): Iterable<Operation>;
  readonly seq: number;
}

/** The files of one database: recovers them, commits to them, and replaces journals by a snapshot as they grow. */
export class Storage {
  readonly #options: StorageOptions;
  readonly #names: FileNames;
  readonly #memory: Memory;
  readonly #committer: Committer;
  #id = '';
  #generation = 0;
  #journal: JournalFile | undefined;
  /** Journals before the current one that no snapshot has replaced yet. */
  #olderJournals: { path: string; length: number }[] = [];
  #snapshotBytes = 0;
  #writtenBytes = 0;
  #compactions = 0;
  #compacting: Promise<void> | undefined;
  /** Journal bytes below which a compaction is not tried by itself: raised when one fails. */
  #retryAbove = 0;
  #tornTail: TornTail | undefined;
  #wroteSinceOpen = false;
  /** No more may be written to the current journal: another may already follow it. */
  #mustMoveOn = false;

  constructor(options: StorageOptions, memory: Memory) {
    this.#options = options;
    this.#names = new FileNames(options.directory, options.name);
    this.#memory = memory;
    this.#committer = new Committer({
      clock: options.clock,
      maxAge: options.maxJournalAge,
      write: (operations) => this.#write(operations),
    });
  }

  get stats() {
    return {
      commits: this.#committer.commits,
      failedCommits: this.#committer.failures,
      compactions: this.#compactions,
      journalBytes: this.#journalBytes,
      snapshotBytes: this.#snapshotBytes,
      writtenBytes: this.#writtenBytes,
      tornTail: this.#tornTail,
    };
  }

  /** Reads what is there into memory, or begins a new database. Returns the number of the latest change. */
  async open(): Promise<number> {
    const { files, directory } = this.#options;
    try {
      await files.ensureDirectory(directory);
    } catch (error) {
      throw unreadable(directory, error);
    }
    const found = await recover(files, this.#names, (operation) => this.#memory.replay(operation));
    try {
      for (const path of found.leftovers) await files.remove(path);
      if (found.id === undefined) await this.#begin();
      else await this.#resume(found, found.id);
    } catch (error) {
      throw unreadable(directory, error);
    }
    return found.seq;
  }

  /** Reads what is there into memory and opens nothing: it stays as it is, and nothing can be committed. */
  async inspect(): Promise<number> {
    const { files } = this.#options;
    const found = await recover(files, this.#names, (operation) => this.#memory.replay(operation));
    this.#snapshotBytes = found.snapshotBytes;
    this.#olderJournals = [{ path: '', length: found.journalBytes }];
    this.#tornTail = found.tornTail;
    return found.seq;
  }

  append(unit: Unit): void {
    this.#committer.append(unit);
  }

  /** Resolves when everything that was appended before is on disk, and rejects when it was taken back. */
  barrier(): Promise<void> {
    return this.#committer.barrier();
  }

  /** Resolves when a snapshot holds everything that was committed before; joins one that is under way. */
  compact(): Promise<void> {
    this.#compacting ??= this.#compact().finally(() => {
      this.#compacting = undefined;
    });
    return this.#compacting;
  }

  /** Commits what waits and marks the end, so that damage after it cannot be taken for a torn write. */
  async close(): Promise<void> {
    await this.#committer.flush();
    await this.#compacting?.catch(() => undefined);
    const unsaved = this.#committer.stop();
    if (unsaved > 0)
      this.#options.logger.error({ unsaved }, 'lazy changes could not be saved before closing');
    await this.#committer.between(async () => {
      const journal = this.#journal;
      this.#journal = undefined;
      try {
        if (this.#wroteSinceOpen && !journal?.unsure && !this.#mustMoveOn) await journal?.finish();
      } catch (error) {
        this.#options.logger.warn({ error: messageOf(error) }, 'the journal has no clean end');
      } finally {
        await journal?.close();
      }
    });
  }

  get #journalBytes(): number {
    return this.#olderJournals.reduce((sum, { length }) => sum + length, this.#journal?.length ?? 0);
  }

  async #begin(): Promise<void> {
    this.#id = randomUUID();
    await this.#nextJournal(1, 0);
  }

  async #resume(found: Recovered, id: string): Promise<void> {
    this.#id = id;
    this.#generation = found.generation;
    this.#snapshotBytes = found.snapshotBytes;
    const path = this.#names.journal(found.generation);
    const file = await this.#options.files.open(path);
    this.#journal = new JournalFile(path, file, {
      length: found.journalLength,
      size: found.tornTail ? found.journalLength : found.journalSize,
      nextNumber: found.nextNumber,
    });
    const older = found.journalBytes - found.journalLength;
    if (older > 0) this.#olderJournals = [{ path: '', length: older }];
    if (!found.tornTail) return;
    await file.truncate(found.tornTail.offset);
    await file.sync();
    this.#tornTail = found.tornTail;
    this.#options.logger.warn(
      { ...found.tornTail },
      'the journal ended in a torn write, as after a power cut: it was cut off; nothing acknowledged is lost',
    );
  }

  /** Goes on in a new journal; the numbers of its frames follow those that are known to be on disk. */
  async #nextJournal(generation: number, number: number): Promise<void> {
    const { files, directory } = this.#options;
    const path = this.#names.journal(generation);
    const head = encodeHead({ id: this.#id, kind: 'journal', generation, number, seq: this.#memory.seq });
    const temporary = this.#names.temporary(path);
    const next = await createJournalFile(files, { path, temporary }, number, head);
    // From here on the new name may be on disk, and says that nothing from `number` on counts in the old journal.
    this.#mustMoveOn = true;
    try {
      await files.rename(temporary, path);
      await files.syncDirectory(directory);
    } catch (error) {
      await next.close().catch(() => undefined);
      throw error;
    }
    this.#mustMoveOn = false;
    const old = this.#journal;
    if (old) {
      this.#olderJournals.push({ path: old.path, length: old.length });
      await old.close().catch(() => undefined);
    }
    this.#journal = next;
    this.#generation = generation;
    this.#writtenBytes += next.length;
  }

  async #write(operations: readonly Operation[]): Promise<void> {
    try {
      const payload = encodeRows(operations);
      const { unsure, nextNumber } = this.#openJournal;
      if (unsure || this.#mustMoveOn) await this.#nextJournal(this.#generation + 1, nextNumber);
      const bytes = await this.#openJournal.append('operations', payload);
      this.#writtenBytes += bytes;
      this.#wroteSinceOpen = true;
    } catch (error) {
      throw this.#writeFailure(error);
    }
    this.#compactIfLarge();
  }

  get #openJournal(): JournalFile {
    if (!this.#journal) throw fail('DATABASE_CLOSED', 'the database is closed');
    return this.#journal;
  }

  #compactIfLarge(): void {
    const { maxJournalSize, logger } = this.#options;
    const size = this.#journalBytes;
    if (this.#compacting || size <= Math.max(maxJournalSize, this.#snapshotBytes, this.#retryAbove)) return;
    this.compact().catch((error: unknown) => {
      this.#retryAbove = this.#journalBytes + maxJournalSize;
      logger.warn(
        { error: messageOf(error) },
        'the journal could not be compacted; it is kept, and tried again later',
      );
    });
  }

  async #compact(): Promise<void> {
    const { files, directory } = this.#options;
    const failures = this.#committer.failures;
    const { operations, head } = await this.#committer.between(() => this.#rotate());
    const path = this.#names.snapshot;
    const temporary = this.#names.temporary(path);
    try {
      const bytes = await writeSnapshot(files, temporary, encodeHead(head), operations);
      this.#writtenBytes += bytes;
      // What was in memory but not on disk when it was captured must be on disk before the snapshot counts.
      await this.#committer.flush();
      if (this.#committer.failures !== failures) throw new Error('a change in the snapshot was taken back');
      await files.rename(temporary, path);
      await files.syncDirectory(directory);
      this.#snapshotBytes = bytes;
    } catch (error) {
      await files.remove(temporary).catch(() => undefined);
      throw this.#writeFailure(error);
    }
    await this.#removeBefore(head.generation);
    this.#compactions += 1;
    this.#retryAbove = 0;
  }

  async #rotate() {
    const journal = this.#openJournal;
    const generation = this.#generation + 1;
    const number = journal.nextNumber;
    try {
      await this.#nextJournal(generation, number);
    } catch (error) {
      throw this.#writeFailure(error);
    }
    const head = { id: this.#id, kind: 'snapshot', generation, number, seq: this.#memory.seq } as const;
    return { operations: this.#memory.capture(), head };
  }

  /** Journals that the snapshot replaces; one that cannot be removed now is removed at the next start. */
  async #removeBefore(generation: number): Promise<void> {
    const { files, directory } = this.#options;
    const { generations } = this.#names.sortOut(await files.list(directory));
    for (const old of generations) {
      if (old < generation) await files.remove(this.#names.journal(old)).catch(() => undefined);
    }
    const kept = this.#names.journal(generation);
    const index = this.#olderJournals.findIndex(({ path }) => path === kept);
    this.#olderJournals = index < 0 ? [] : this.#olderJournals.slice(index);
  }

  #writeFailure(cause: unknown) {
    const reason = systemCode(cause) ?? 'unknown failure';
    const { directory } = this.#options;
    const advice =
      reason === 'ENOSPC' || reason === 'EDQUOT' ? 'free space on that disk' : 'see to that disk';
    return fail(
      'DATABASE_WRITE_FAILED',
      `cannot write the database in ${directory} (${reason}): ${advice} and try again. What was not acknowledged was taken back`,
      { cause, details: { directory, reason } },
    );
  }
}
