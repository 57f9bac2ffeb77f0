import { join } from 'node:path';
import { UpdateAnswer, UpdateReport } from '@ioto/protocol';
import { readTextIfPresent, writeFileDurably } from '@ioto/runtime';
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
});
/** What a device keeps of its updates, so that a power cut at any point leaves the old or the new version working. */
export type UpdateJournal = Static<typeof UpdateJournal>;

/** The file `journal.json`, written durably before anything that it speaks of is done. */
export class JournalFile {
  readonly #path: string;
  #journal: UpdateJournal = {};
  #last: Promise<unknown> = Promise.resolve();

  constructor(directory: string) {
    this.#path = join(directory, 'journal.json');
  }

  get now(): UpdateJournal {
    return this.#journal;
  }

  /** One that cannot be read is as none: the device then asks for its update anew. Resolves whether it could. */
  async open(): Promise<boolean> {
    const text = await readTextIfPresent(this.#path);
    if (text === undefined) return true;
    try {
      const value: unknown = JSON.parse(text);
      if (!isJournal(value)) return false;
      this.#journal = value;
      return true;
    } catch {
      return false;
    }
  }

  /** Changes come one after the other; durable when resolved. One that changes nothing is not written. */
  change(decide: (journal: UpdateJournal) => UpdateJournal): Promise<UpdateJournal> {
    const turn = this.#last.then(async () => {
      const after = decide(this.#journal);
      if (JSON.stringify(after) !== JSON.stringify(this.#journal)) {
        await writeFileDurably(this.#path, `${JSON.stringify(after, null, 2)}\n`);
        this.#journal = after;
      }
      return this.#journal;
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}

/** Whoever may write the file may write anything: what would stop the service later is found out here. */
function isJournal(value: unknown): value is UpdateJournal {
  if (!Check(UpdateJournal, value)) return false;
  const version = value.current?.offer.version;
  return version === undefined || isVersion(version) === version;
}
