import { CodedError, systemCode } from '@ioto/runtime';
import { fail } from '../errors.ts';
import type { TornTail } from '../options.ts';
import type { FileLayer } from './file-layer.ts';
import type { FileNames } from './file-names.ts';
import type { Frame } from './frame.ts';
import { type FileScan, readFrames } from './frame-reader.ts';
import { decodeHead, type Head } from './head.ts';
import { type Operation, TextStore } from './operation.ts';
import { decodeRows } from './rows.ts';

/** What was found on disk, read but not changed. */
export interface Recovered {
  /** Undefined when there was no database. */
  readonly id?: string;
  /** The journal to go on with. */
  readonly generation: number;
  readonly journalLength: number;
  /** With the room behind its last frame. */
  readonly journalSize: number;
  readonly nextNumber: number;
  readonly seq: number;
  readonly journalBytes: number;
  readonly snapshotBytes: number;
  /** The end of the last journal that must be cut off before it is written to. */
  readonly tornTail?: TornTail;
  /** Files that are of no use any more. */
  readonly leftovers: readonly string[];
}

const NEW: Recovered = {
  generation: 1,
  journalLength: 0,
  journalSize: 0,
  nextNumber: 0,
  seq: 0,
  journalBytes: 0,
  snapshotBytes: 0,
  leftovers: [],
};

interface Journal extends FileScan {
  readonly path: string;
  readonly head: Head;
  readonly firstNumber: number;
}

/**
 * Reads snapshot and journals in order and hands each operation to `replay`. Changes nothing on disk.
 *
 * @throws DATABASE_CORRUPT with file and offset for damage that no power cut makes; DATABASE_UNREADABLE.
 */
export async function recover(
  files: FileLayer,
  names: FileNames,
  replay: (operation: Operation) => void,
): Promise<Recovered> {
  const { snapshot, generations, leftovers } = names.sortOut(await listing(files, names.directory));
  if (!snapshot && generations.length === 0) return { ...NEW, leftovers };
  const texts = new TextStore();
  const base = snapshot ? await readSnapshot(files, names.snapshot, texts, replay) : undefined;
  const first = base?.head.generation ?? 1;
  const current = generations.filter((generation) => generation >= first);
  requireRow(names, current, first, base !== undefined);
  const journals: Journal[] = [];
  const isAlone = current.length === 1;
  for (const generation of current) {
    const path = names.journal(generation);
    // Reading takes time: a journal that no other follows is read once.
    const visit = (frame: Frame) => isAlone && replayFrame(frame, path, texts, replay);
    journals.push(await scanJournal(files, { path, generation }, visit));
  }
  checkRow(journals, base?.head);
  for (const [at, { path }] of isAlone ? [] : journals.entries()) {
    const limit = journals[at + 1]?.head.number ?? Number.POSITIVE_INFINITY;
    // What a journal holds is all below the number at which the next one begins: a write that failed may have left more
    // behind it, which nobody was told is done.
    await read(files, path, (frame) => {
      if (frame.number < limit) replayFrame(frame, path, texts, replay);
    });
  }
  const last = journals.at(-1) as Journal;
  return {
    id: last.head.id,
    generation: last.head.generation,
    journalLength: last.end,
    journalSize: last.size,
    nextNumber: (last.lastNumber ?? 0) + 1,
    seq: Math.max(base?.head.seq ?? 0, ...journals.map(({ head }) => head.seq)),
    journalBytes: journals.reduce((sum, journal) => sum + journal.end, 0),
    snapshotBytes: base?.size ?? 0,
    tornTail: last.damaged ? { file: last.path, offset: last.end, bytes: last.size - last.end } : undefined,
    leftovers: [
      ...leftovers,
      ...generations.filter((generation) => generation < first).map((old) => names.journal(old)),
    ],
  };
}

async function readSnapshot(
  files: FileLayer,
  path: string,
  texts: TextStore,
  replay: (operation: Operation) => void,
): Promise<{ head: Head; size: number }> {
  let head: Head | undefined;
  let hasEnd = false;
  const scan = await read(files, path, (frame) => {
    head ??= headOf(frame, path, 'snapshot');
    hasEnd = frame.kind === 'end';
    replayFrame(frame, path, texts, replay);
  });
  if (scan.damaged) throw corrupt(path, scan.end, 'a record is damaged');
  if (!head) throw corrupt(path, 0, 'it is empty');
  if (!hasEnd) throw corrupt(path, scan.end, 'its end is missing');
  return { head, size: scan.size };
}

async function scanJournal(
  files: FileLayer,
  { path, generation }: { path: string; generation: number },
  visit: (frame: Frame) => void,
): Promise<Journal> {
  let head: Head | undefined;
  let firstNumber = 0;
  const scan = await read(files, path, (frame) => {
    if (head) return visit(frame);
    head = headOf(frame, path, 'journal');
    firstNumber = frame.number;
  });
  if (!head) throw corrupt(path, 0, 'it does not begin as a journal of this program does');
  if (head.generation !== generation) throw foreign(path, 'its content belongs to another file name');
  return { ...scan, path, head, firstNumber };
}

export function headOf(frame: Frame, path: string, kind: Head['kind']): Head {
  const head = frame.kind === 'head' ? decodeHead(frame.payload.toString()) : undefined;
  if (head?.kind === kind) return head;
  throw corrupt(path, 0, `it does not begin as a ${kind} of this program does`);
}

/** Every journal from the first on must be there: one that is missing holds acknowledged changes. */
function requireRow(names: FileNames, current: readonly number[], first: number, hasSnapshot: boolean): void {
  const length = current.length === 0 ? 1 : (current.at(-1) as number) - first + 1;
  for (let at = 0; at < length; at += 1) {
    if (current[at] === first + at) continue;
    const missing = at === 0 && !hasSnapshot ? names.snapshot : names.journal(first + at);
    throw corrupt(missing, 0, 'the file is missing');
  }
}

function checkRow(journals: readonly Journal[], base: Head | undefined): void {
  let expected = base?.number;
  for (const [at, journal] of journals.entries()) {
    const { path, head, firstNumber, lastNumber, damaged, laterFrame, end } = journal;
    if (base && head.id !== base.id) throw foreign(path, 'it belongs to another database');
    if (head.id !== journals[0]?.head.id) throw foreign(path, 'it belongs to another database');
    if (expected !== undefined && firstNumber !== expected) {
      throw corrupt(path, 0, `it begins with record ${firstNumber} instead of ${expected}`);
    }
    const next = journals[at + 1];
    const reached = (lastNumber ?? -1) + 1;
    if (next && reached < next.head.number) throw corrupt(path, end, 'a record is damaged or missing');
    if (!next && damaged && laterFrame)
      throw corrupt(path, end, 'a record is damaged, with good ones behind it');
    expected = next?.head.number;
  }
}

export function replayFrame(
  frame: Frame,
  path: string,
  texts: TextStore,
  replay: (operation: Operation) => void,
): void {
  if (frame.kind !== 'operations') return;
  try {
    decodeRows(frame.payload.toString(), replay, texts);
  } catch (error) {
    throw corrupt(path, frame.offset, 'a record is whole but makes no sense to this version', error);
  }
}

async function listing(files: FileLayer, directory: string): Promise<string[]> {
  try {
    return await files.list(directory);
  } catch (error) {
    throw unreadable(directory, error);
  }
}

async function read(files: FileLayer, path: string, visit: (frame: Frame) => void): Promise<FileScan> {
  try {
    return await readFrames(files, path, visit);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw unreadable(path, error);
  }
}

export function corrupt(file: string, offset: number, what: string, cause?: unknown): CodedError {
  return fail(
    'DATABASE_CORRUPT',
    `the database cannot be opened: ${file} at byte ${offset}: ${what}. Nothing was changed. Restore the directory from a copy, let a salvage take what can still be read of it (ioto db salvage, or onDamage 'salvage'), or move it away to begin with an empty database`,
    { details: { file, offset }, cause },
  );
}

/** Of a file that is whole, but none of these: it is not salvaged, since that would throw away what is not damaged. */
export function foreign(file: string, what: string): CodedError {
  return fail(
    'DATABASE_CORRUPT',
    `the database cannot be opened: ${file} is whole, but ${what}. Nothing was changed. Restore the directory from a copy, or move that file away`,
    { details: { file, offset: 0 } },
  );
}

export function unreadable(path: string, cause: unknown): CodedError {
  return fail('DATABASE_UNREADABLE', `cannot use ${path} (${systemCode(cause) ?? 'unknown failure'})`, {
    cause,
    details: { file: path, reason: systemCode(cause) },
  });
}
