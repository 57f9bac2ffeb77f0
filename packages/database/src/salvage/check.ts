import { isCodedError, messageOf } from '@ioto/runtime';
import { nodeFiles } from '../journal/node-files.ts';
import { recover } from '../journal/recovery.ts';
import type { DatabaseOptions, LostPart, Salvaged, TornTail } from '../options.ts';
import { rescue } from './rescue.ts';
import { namesOf, requireFinished, type SalvageOptions, salvage } from './salvage.ts';
import { finishSalvage } from './salvage-files.ts';

/** What the files of a database look like. */
export interface DatabaseCheck {
  readonly isSound: boolean;
  readonly snapshotBytes?: number;
  readonly journalBytes?: number;
  /** A torn write at the end, as after a power cut: the next start cuts it off, and nothing acknowledged is lost. */
  readonly tornTail?: TornTail;
  /** What is wrong, for a person. */
  readonly problem?: string;
  /** What a salvage would lose. */
  readonly lost?: readonly LostPart[];
}

/**
 * Reads every record of a database's files and changes nothing. While a program writes to them a torn tail may be a write
 * under way.
 *
 * @throws DATABASE_CORRUPT for what no salvage would take: files of a newer program or of another database;
 * DATABASE_UNREADABLE.
 */
export async function checkDatabase(
  options: Pick<DatabaseOptions, 'directory' | 'name' | 'files'>,
): Promise<DatabaseCheck> {
  const { files = nodeFiles } = options;
  const names = namesOf(options);
  await requireFinished(options);
  try {
    const { snapshotBytes, journalBytes, tornTail } = await recover(files, names, () => undefined);
    return { isSound: true, snapshotBytes, journalBytes, tornTail };
  } catch (error) {
    if (!isCodedError(error, 'DATABASE_CORRUPT')) throw error;
    const { lost } = await rescue(files, names, () => undefined);
    return { isSound: false, problem: messageOf(error), lost };
  }
}

/**
 * Salvages a database that no program has open, and does nothing to one that is sound. Resolves with what was lost, or
 * undefined.
 *
 * @throws as `Database.open` with `onDamage: 'salvage'`.
 */
export async function salvageDatabase(options: SalvageOptions): Promise<Salvaged | undefined> {
  await finishSalvage(options.files ?? nodeFiles, namesOf(options));
  const { isSound, problem } = await checkDatabase(options);
  return isSound ? undefined : salvage(options, problem);
}
