import type { FileLayer } from '../journal/file-layer.ts';
import type { FileNames } from '../journal/file-names.ts';
import { FRAME_HEADER_SIZE, type Frame } from '../journal/frame.ts';
import type { Head } from '../journal/head.ts';
import { type Operation, TextStore } from '../journal/operation.ts';
import { corrupt, foreign, headOf, replayFrame } from '../journal/recovery.ts';
import type { LostPart } from '../options.ts';
import { rescueFrames } from './rescue-frames.ts';

/** What could be read of damaged files, and where the next ones go on. */
export interface Rescued {
  readonly lost: readonly LostPart[];
  /** Of the database, when any file still tells it. */
  readonly id?: string;
  /** Above those of all files. */
  readonly nextGeneration: number;
  /** Above those of all records. */
  readonly nextNumber: number;
  /** No change of the files, of what they have lost neither, has a higher number. */
  readonly seq: number;
}

/** Takes an operation that could be read; `afterLoss` when something before it could not. */
export type Take = (operation: Operation, afterLoss: boolean) => void;

interface Source {
  readonly path: string;
  readonly generation: number;
  readonly head: Head | undefined;
  readonly frames: readonly Frame[];
  readonly firstNumber: number | undefined;
  readonly lost: LostPart[];
}

/** More changes than a missing file can have held. */
const MISSING_CHANGES = 1_000_000_000;

/**
 * Reads everything that is whole in the files of a database whose snapshot or journals are damaged or missing. Changes
 * nothing on disk.
 *
 * An operation says what is so afterwards, with the whole item, and never what to add to something: what follows a loss may
 * therefore be taken too. Each item is then as one of its writes made it, the last that could be read.
 *
 * @throws DATABASE_CORRUPT for files that are whole but not ours to read: of a newer program, of another database, or under
 * another's name. To go on without them would throw away what is not damaged.
 */
export async function rescue(files: FileLayer, names: FileNames, take: Take): Promise<Rescued> {
  const { snapshot, generations } = names.sortOut(await files.list(names.directory));
  const base = snapshot ? await readSource(files, names.snapshot, 'snapshot', 0) : undefined;
  if (base) noteEnd(base);
  const isWhole = base?.head !== undefined && base.lost.length === 0;
  // Over a damaged snapshot the journals before it, where some are left, say again what it said.
  const current = generations.filter((generation) => !isWhole || generation >= (base.head?.generation ?? 0));
  const journals: Source[] = [];
  for (const generation of current) {
    journals.push(await readSource(files, names.journal(generation), 'journal', generation));
  }
  const sources = [...(base ? [base] : []), ...journals];
  checkKinship(base, journals);
  const missing = missingFiles(names, base, current);
  noteShortened(journals);
  const seq = takeAll(sources, missing.length > 0, take);
  const lost = [...missing, ...sources.flatMap((source) => source.lost)];
  const unseen = lost.reduce((sum, { bytes }) => sum + bytes, 0) + missing.length * MISSING_CHANGES;
  return {
    lost,
    id: sources.find(({ head }) => head)?.head?.id,
    nextGeneration: Math.max(0, base?.head?.generation ?? 0, ...generations) + 1,
    nextNumber: Math.max(0, base?.head?.number ?? 0, ...journals.map(lastNumber)) + 1,
    seq: seq + unseen,
  };
}

async function readSource(
  files: FileLayer,
  path: string,
  kind: Head['kind'],
  generation: number,
): Promise<Source> {
  const bytes = await files.read(path);
  const { frames, lost, firstNumber } = rescueFrames(bytes);
  const [first] = frames;
  const head = first?.offset === 0 ? headOf(first, path, kind) : undefined;
  if (head && kind === 'journal' && head.generation !== generation) {
    throw foreign(path, 'its content belongs to another file name');
  }
  const parts = lost.map((range) => ({ file: path, ...range, reason: 'damaged' as const }));
  if (bytes.length === 0) parts.push({ file: path, offset: 0, bytes: 0, reason: 'damaged' });
  return { path, generation, head, frames, firstNumber, lost: parts };
}

/** A snapshot says where it ends. */
function noteEnd({ path, frames, lost }: Source): void {
  const last = frames.at(-1);
  if (lost.length > 0 || last?.kind === 'end') return;
  lost.push({ file: path, offset: endOf(last), bytes: 0, reason: 'cut short' });
}

/** A journal goes on until the number at which the next one begins. */
function noteShortened(journals: readonly Source[]): void {
  for (const [at, { path, frames, lost }] of journals.entries()) {
    const limit = limitOf(journals, at);
    const last = frames.at(-1);
    if (limit === undefined || lost.length > 0 || (last?.number ?? -1) + 1 >= limit) continue;
    lost.push({ file: path, offset: endOf(last), bytes: 0, reason: 'cut short' });
  }
}

function endOf(frame: Frame | undefined): number {
  return frame === undefined ? 0 : frame.offset + FRAME_HEADER_SIZE + frame.payload.length;
}

/** What lies above is of a write that failed, and of which that was said. */
function limitOf(journals: readonly Source[], at: number): number | undefined {
  const next = journals[at + 1];
  return next?.generation === (journals[at]?.generation ?? 0) + 1 ? next.firstNumber : undefined;
}

function checkKinship(base: Source | undefined, journals: readonly Source[]): void {
  const id = base?.head?.id ?? journals.find(({ head }) => head)?.head?.id;
  for (const { path, generation, head, firstNumber } of journals) {
    if (head && head.id !== id) throw foreign(path, 'it belongs to another database');
    const expected = base?.head?.generation === generation ? base.head.number : firstNumber;
    if (firstNumber !== expected && head)
      throw corrupt(path, 0, `it begins with record ${firstNumber} instead of ${expected}`);
  }
}

function missingFiles(names: FileNames, base: Source | undefined, current: readonly number[]): LostPart[] {
  const first = base ? base.head?.generation : 1;
  const lost: LostPart[] = [];
  const miss = (file: string) => lost.push({ file, offset: 0, bytes: 0, reason: 'missing' });
  if (!base && current[0] !== 1) miss(names.snapshot);
  else if (first !== undefined && !current.includes(first)) miss(names.journal(first));
  for (const [at, generation] of current.entries()) {
    const next = current[at + 1];
    if (next === undefined || generation < (first ?? 0)) continue;
    for (let absent = generation + 1; absent < next; absent += 1) miss(names.journal(absent));
  }
  return lost;
}

/** Hands over the operations of all sources, in their order. Returns the highest number of a change that was met. */
function takeAll(sources: readonly Source[], isMissing: boolean, take: Take): number {
  const texts = new TextStore();
  const journals = sources.filter(({ generation }) => generation > 0);
  let seq = 0;
  let lossBefore = isMissing;
  for (const source of sources) {
    const limit = limitOf(journals, journals.indexOf(source)) ?? Number.POSITIVE_INFINITY;
    seq = Math.max(seq, source.head?.seq ?? 0);
    for (const frame of source.frames) {
      if (source.generation > 0 && frame.number >= limit) break;
      const afterLoss = lossBefore || source.lost.some(({ offset }) => offset < frame.offset);
      replayFrame(frame, source.path, texts, (operation) => {
        if ('seq' in operation) seq = Math.max(seq, operation.seq);
        take(operation, afterLoss);
      });
    }
    lossBefore ||= source.lost.length > 0;
  }
  return seq;
}

function lastNumber({ frames, firstNumber }: Source): number {
  return frames.at(-1)?.number ?? firstNumber ?? 0;
}
