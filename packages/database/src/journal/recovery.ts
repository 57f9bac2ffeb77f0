import { type CodedError, systemCode } from '@ioto/runtime';
import { fail } from '../errors.ts';
import type { TornTail } from '../options.ts';
import type { FileLayer } from './file-layer.ts';
import type { FileNames } from './file-names.ts';
import { type Frame, type Scan, scanFrames } from './frame.ts';
import { decodeHead, type Head } from './head.ts';
import { decodeOperation, type Operation, TextStore } from './operation.ts';

/** What was found on disk, read but not changed. */
export interface Recovered {
  /** Undefined when there was no database. */
  readonly id?: string;
  /** The journal to go on with. */
  readonly generation: number;
  readonly journalLength: number;
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
  nextNumber: 0,
  seq: 0,
  journalBytes: 0,
  snapshotBytes: 0,
  leftovers: [],
};

interface Journal extends Scan {
  readonly path: string;
  readonly size: number;
  readonly head: Head;
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
  const base = snapshot ? readSnapshot(await read(files, names.snapshot), names.snapshot) : undefined;
  const first = base?.head.generation ?? 1;
  const current = generations.filter((generation) => generation >= first);
  requireRow(names, current, first, base !== undefined);
  const journals = await Promise.all(
    current.map(async (generation) => {
      const path = names.journal(generation);
      return readJournal(await read(files, path), path, generation);
    }),
  );
  checkRow(journals, base?.head);
  const texts = new TextStore();
  for (const frame of base?.frames ?? []) replayFrame(frame, names.snapshot, texts, replay);
  for (const [at, journal] of journals.entries()) {
    for (const frame of framesBelow(journal, journals[at + 1]))
      replayFrame(frame, journal.path, texts, replay);
  }
  const last = journals.at(-1) as Journal;
  const lastFrame = last.frames.at(-1) as Frame;
  return {
    id: last.head.id,
    generation: last.head.generation,
    journalLength: last.end,
    nextNumber: lastFrame.number + 1,
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

function readSnapshot(bytes: Buffer, path: string) {
  const scan = scanFrames(bytes);
  if (scan.damaged) throw corrupt(path, scan.end, 'a record is damaged');
  const head = headOf(scan, path, 'snapshot');
  if (scan.frames.at(-1)?.kind !== 'end') throw corrupt(path, scan.end, 'its end is missing');
  return { head, frames: scan.frames, size: bytes.length };
}

function readJournal(bytes: Buffer, path: string, generation: number): Journal {
  const scan = scanFrames(bytes);
  const head = headOf(scan, path, 'journal');
  if (head.generation !== generation) throw corrupt(path, 0, 'its content belongs to another file name');
  return { ...scan, path, head, size: bytes.length };
}

function headOf(scan: Scan, path: string, kind: Head['kind']): Head {
  const first = scan.frames[0];
  const head = first?.kind === 'head' ? decodeHead(first.payload.toString()) : undefined;
  if (!head || head.kind !== kind)
    throw corrupt(path, 0, `it does not begin as a ${kind} of this program does`);
  return head;
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

/**
 * What a journal holds is all below the number at which the next one begins: a write that failed may have left more
 * behind it, which nobody was told is done.
 */
function framesBelow(journal: Journal, next: Journal | undefined): readonly Frame[] {
  const limit = next?.head.number ?? Number.POSITIVE_INFINITY;
  return journal.frames.filter((frame) => frame.number < limit);
}

function checkRow(journals: readonly Journal[], base: Head | undefined): void {
  let expected = base?.number;
  for (const [at, journal] of journals.entries()) {
    const { path, head, frames, damaged, laterFrame, end } = journal;
    if (base && head.id !== base.id) throw corrupt(path, 0, 'it belongs to another database');
    if (head.id !== journals[0]?.head.id) throw corrupt(path, 0, 'it belongs to another database');
    if (expected !== undefined && frames[0]?.number !== expected) {
      throw corrupt(path, 0, `it begins with record ${frames[0]?.number} instead of ${expected}`);
    }
    const next = journals[at + 1];
    const reached = (frames.at(-1)?.number ?? -1) + 1;
    if (next && reached < next.head.number) throw corrupt(path, end, 'a record is damaged or missing');
    if (!next && damaged && laterFrame)
      throw corrupt(path, end, 'a record is damaged, with good ones behind it');
    expected = next?.head.number;
  }
}

function replayFrame(
  frame: Frame,
  path: string,
  texts: TextStore,
  replay: (operation: Operation) => void,
): void {
  if (frame.kind !== 'operations') return;
  try {
    for (const row of JSON.parse(frame.payload.toString()) as unknown[]) replay(decodeOperation(row, texts));
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

async function read(files: FileLayer, path: string): Promise<Buffer> {
  try {
    return await files.read(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function corrupt(file: string, offset: number, what: string, cause?: unknown): CodedError {
  return fail(
    'DATABASE_CORRUPT',
    `the database cannot be opened: ${file} at byte ${offset}: ${what}. Nothing was changed. Restore the directory from a copy, or move it away to begin with an empty database`,
    { details: { file, offset }, cause },
  );
}

export function unreadable(path: string, cause: unknown): CodedError {
  return fail('DATABASE_UNREADABLE', `cannot use ${path} (${systemCode(cause) ?? 'unknown failure'})`, {
    cause,
    details: { file: path, reason: systemCode(cause) },
  });
}
