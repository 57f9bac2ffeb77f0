import { join } from 'node:path';
import { readTextIfPresent, removeFileDurably, writeFileDurably } from '@ioto/runtime';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';

const Entry = Type.Object({
  /** Whose job it is. */
  accountId: Type.String(),
  jobId: Type.String(),
  executionNumber: Type.Integer(),
  document: Type.Record(Type.String(), Type.Unknown()),
  /** What the deed has written down, to know it again after a restart. */
  note: Type.Record(Type.String(), Type.String()),
  outcome: Type.Optional(
    Type.Object({
      status: Type.Union([Type.Literal('SUCCEEDED'), Type.Literal('FAILED'), Type.Literal('REJECTED')]),
      details: Type.Record(Type.String(), Type.String()),
    }),
  ),
});

/** The one job that the device does: begun, or with its outcome done and not yet reported. */
export type JournalEntry = Static<typeof Entry>;
export type JobOutcome = NonNullable<JournalEntry['outcome']>;

/** `@db/jobs.json`: written before a job is acted on, and again before its end is told, so that each is done once. */
export class JobJournal {
  readonly #path: string;

  constructor(directory: string) {
    this.#path = join(directory, 'jobs.json');
  }

  /** Undefined when nothing is under way, or when that cannot be read: the cloud still knows. */
  async read(): Promise<JournalEntry | undefined> {
    const text = await readTextIfPresent(this.#path);
    if (text === undefined) return undefined;
    try {
      const value: unknown = JSON.parse(text);
      return Check(Entry, value) ? value : undefined;
    } catch {
      return undefined;
    }
  }

  async write(entry: JournalEntry): Promise<JournalEntry> {
    await writeFileDurably(this.#path, `${JSON.stringify(entry)}\n`);
    return entry;
  }

  async clear(): Promise<void> {
    await removeFileDurably(this.#path);
  }
}
