import { join } from 'node:path';
import { CodedError, systemCode } from '@ioto/runtime';
import type { FileLayer } from '../journal/file-layer.ts';
import type { FileNames } from '../journal/file-names.ts';
import { readFrames } from '../journal/frame-reader.ts';
import { decodeHead, encodeHead, type Head } from '../journal/head.ts';
import { createJournalFile } from '../journal/journal-file.ts';
import type { Operation } from '../journal/operation.ts';
import { corrupt, unreadable } from '../journal/recovery.ts';
import { writeSnapshot } from '../journal/snapshot.ts';
import type { Salvaged } from '../options.ts';

/** Damaged databases that are kept aside, the new one included; the oldest go first. */
const KEPT = 3;
/** Says what was lost, beside the damaged files. */
const REPORT = 'report.json';

export type SalvageHead = Pick<Head, 'id' | 'generation' | 'number' | 'seq'>;

/**
 * The number of a new salvage. Makes room for what it will keep aside. What a power cut left of one that came to nothing
 * holds no damaged files, and takes the place of none that does.
 */
export async function beginSalvage(files: FileLayer, names: FileNames): Promise<number> {
  const { damaged } = names.salvages(await files.list(names.directory));
  const whole: number[] = [];
  for (const number of damaged) {
    if (holdsFiles(await files.list(names.damaged(number)))) whole.push(number);
    else await files.removeDirectory(names.damaged(number));
  }
  for (const old of whole.slice(0, Math.max(0, whole.length - KEPT + 1))) {
    await files.removeDirectory(names.damaged(old));
  }
  return (damaged.at(-1) ?? 0) + 1;
}

function holdsFiles(content: readonly string[]): boolean {
  return content.includes(REPORT) && content.length > 1;
}

/**
 * Writes what was salvaged, beside the damaged files, which stay as they are. Once it has its name it counts, whatever
 * happens then: `finishSalvage` is to follow, now or at the next start.
 */
export async function writeSalvage(
  files: FileLayer,
  names: FileNames,
  salvage: {
    number: number;
    head: SalvageHead;
    operations: Iterable<Operation>;
    report: Salvaged;
  },
): Promise<void> {
  const { number, head, operations, report } = salvage;
  const path = names.salvaged(number);
  const temporary = names.temporary(path);
  const directory = names.damaged(number);
  try {
    await files.ensureDirectory(directory);
    const note = await files.create(join(directory, REPORT));
    try {
      await note.commit(Buffer.from(`${JSON.stringify(report, null, 2)}\n`), 0);
    } finally {
      await note.close();
    }
    await files.syncDirectory(directory);
    await writeSnapshot(files, temporary, encodeHead({ ...head, kind: 'snapshot' }), operations);
    await files.rename(temporary, path);
    await files.syncDirectory(names.directory);
  } catch (error) {
    for (const each of [temporary, path]) await files.remove(each).catch(() => undefined);
    await files.removeDirectory(directory).catch(() => undefined);
    throw error;
  }
}

/**
 * Puts damaged files aside and what was salvaged of them in their place, where that was begun; a power cut may come between
 * any two steps. Does nothing where it was not.
 */
export async function finishSalvage(files: FileLayer, names: FileNames): Promise<void> {
  try {
    await finish(files, names);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw unreadable(names.directory, error);
  }
}

/** True when a power cut came between the steps of a salvage: the files are not to be read before it is finished. */
export async function isSalvageUnfinished(files: FileLayer, names: FileNames): Promise<boolean> {
  return names.salvages(await listing(files, names)).unfinished.length > 0;
}

async function listing(files: FileLayer, names: FileNames): Promise<string[]> {
  try {
    return await files.list(names.directory);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

async function finish(files: FileLayer, names: FileNames): Promise<void> {
  const found = await listing(files, names);
  const number = names.salvages(found).unfinished.at(-1);
  if (number === undefined) return;
  const path = names.salvaged(number);
  const head = await headOf(files, path);
  const { snapshot, generations } = names.sortOut(found);
  const directory = names.damaged(number);
  await files.ensureDirectory(directory);
  const old = generations.filter((generation) => generation < head.generation);
  for (const file of [...(snapshot ? [names.snapshot] : []), ...old.map((each) => names.journal(each))]) {
    await files.rename(file, join(directory, file.slice(names.directory.length + 1)));
  }
  await files.syncDirectory(directory);
  if (!generations.includes(head.generation)) await beginJournal(files, names, head);
  await files.syncDirectory(names.directory);
  await files.rename(path, names.snapshot);
  await files.syncDirectory(names.directory);
}

async function beginJournal(files: FileLayer, names: FileNames, head: Head): Promise<void> {
  const path = names.journal(head.generation);
  const temporary = names.temporary(path);
  const journal = await createJournalFile(
    files,
    { path, temporary },
    head.number,
    encodeHead({ ...head, kind: 'journal' }),
  );
  await journal.close();
  await files.rename(temporary, path);
}

async function headOf(files: FileLayer, path: string): Promise<Head> {
  let head: Head | undefined;
  await readFrames(files, path, (frame) => {
    if (frame.kind === 'head') head = decodeHead(frame.payload.toString());
  });
  if (!head) throw corrupt(path, 0, 'what was salvaged is damaged itself');
  return head;
}
