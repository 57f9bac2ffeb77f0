import { join } from 'node:path';
import { UpdateAnswer, UpdateReport } from '@ioto/protocol';
import { type Logger, messageOf, readTextIfPresent, writeFileDurably } from '@ioto/runtime';
import isVersion from 'semver/functions/valid.js';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';

/**
 * How far an update is. `downloading`: what came lies in image.part; `ready`: the image is whole and verified; `applying`: the script
 * may have begun; `handed`: a listener sees to it; `restarting`: applied, and the program is to come up with it.
 */
const Stage = Type.Union([
  Type.Literal('downloading'),
  Type.Literal('ready'),
  Type.Literal('applying'),
  Type.Literal('handed'),
  Type.Literal('restarting'),
]);
export type Stage = Static<typeof Stage>;

const CurrentUpdate = Type.Object({
  offer: UpdateAnswer,
  stage: Stage,
  /** How often its image turned out wrong, or applying it was begun. */
  tries: Type.Integer({ minimum: 0 }),
});
export type CurrentUpdate = Static<typeof CurrentUpdate>;

const UpdateJournal = Type.Object({
  /** Time of the last check-in, milliseconds since 1970 by the cloud's clock. */
  checked: Type.Optional(Type.Number()),
  current: Type.Optional(CurrentUpdate),
  /** How the last one ended, until the cloud has heard it. */
  report: Type.Optional(UpdateReport),
  /** The last one that was brought to its end, and how: offered again, it is not taken up again. */
  settled: Type.Optional(
    Type.Object({ version: Type.String(), checksum: Type.String(), end: Type.Optional(UpdateReport) }),
  ),
  /** The highest version that was ever applied: nothing below it is taken, also where the device runs an older one. */
  highest: Type.Optional(Type.String({ maxLength: 64 })),
});
/** What a device keeps of its updates, so that a power cut at any point leaves the old or the new version working. */
export type UpdateJournal = Static<typeof UpdateJournal>;

/** The file `journal.json`. */
export class JournalFile {
  readonly #path: string;
  #journal: UpdateJournal = {};
  /** What the file says. */
  #written = JSON.stringify({});
  #last: Promise<unknown> = Promise.resolve();

  readonly #logger: Logger;
  /** The disk does not take what has changed, and that has been logged. */
  #isRefused = false;

  constructor({ directory, logger }: { directory: string; logger: Logger }) {
    this.#path = join(directory, 'journal.json');
    this.#logger = logger;
  }

  get now(): UpdateJournal {
    return this.#journal;
  }

  /** One that cannot be read is as none: the device then asks for its update anew. Resolves whether it could. */
  async open(): Promise<boolean> {
    try {
      const text = await readTextIfPresent(this.#path);
      if (text === undefined) return true;
      const value: unknown = JSON.parse(text);
      if (!isJournal(value)) return false;
      this.#journal = value;
      this.#written = JSON.stringify(value);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * What has happened: on the disk when resolved, or, where that refuses, in memory, and on the disk with the next change. The
   * device then tells of it all the same, and after a power cut finds it out again.
   */
  change(decide: (journal: UpdateJournal) => UpdateJournal): Promise<UpdateJournal> {
    return this.#turn(async () => {
      const after = decide(this.#journal);
      await this.#write(after).catch(() => undefined);
      this.#journal = after;
    });
  }

  /** What is about to be done, and may be done only when it is on the disk. @throws what the disk says: nothing has changed then. */
  intend(decide: (journal: UpdateJournal) => UpdateJournal): Promise<UpdateJournal> {
    return this.#turn(async () => {
      const after = decide(this.#journal);
      await this.#write(after);
      this.#journal = after;
    });
  }

  /** Writes what the disk has refused so far; resolves whether it has all now. */
  async catchUp(): Promise<boolean> {
    if (JSON.stringify(this.#journal) === this.#written) return true;
    try {
      await this.intend((journal) => journal);
      this.#isRefused = false;
      return true;
    } catch (error) {
      const told = { error: messageOf(error) };
      if (!this.#isRefused) this.#logger.warn(told, 'the journal of updates cannot be written for now');
      this.#isRefused = true;
      return false;
    }
  }

  /** One after the other. */
  #turn(act: () => Promise<void>): Promise<UpdateJournal> {
    const turn = this.#last.then(async () => {
      await act();
      return this.#journal;
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #write(journal: UpdateJournal): Promise<void> {
    const text = JSON.stringify(journal);
    if (text === this.#written) return;
    await writeFileDurably(this.#path, `${JSON.stringify(journal, null, 2)}\n`);
    this.#written = text;
  }
}

/** Whoever may write the file may write anything: what would stop the service later is found out here. */
function isJournal(value: unknown): value is UpdateJournal {
  if (!Check(UpdateJournal, value)) return false;
  const versions = [value.current?.offer.version, value.highest];
  return versions.every((version) => version === undefined || isVersion(version) === version);
}
