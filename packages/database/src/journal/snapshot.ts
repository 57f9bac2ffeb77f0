import type { FileLayer, OpenFile } from './file-layer.ts';
import { encodeFrame } from './frame.ts';
import { type Operation, sizeOfOperation } from './operation.ts';
import { encodeRows } from './rows.ts';

/** Characters per frame, about: small, so that writers get their turn between two frames. */
const FRAME_SIZE = 64 * 1024;
/** Bytes between syncs: one sync of all at the end would hold up the journal's own. */
const SYNC_EVERY = 1024 * 1024;

/** Writes a whole snapshot under `path` and syncs it; giving it its name is the caller's. Returns its bytes. */
export async function writeSnapshot(
  files: FileLayer,
  path: string,
  head: string,
  operations: Iterable<Operation>,
): Promise<number> {
  const file = await files.create(path);
  try {
    return await writeFrames(file, head, operations);
  } finally {
    await file.close();
  }
}

async function writeFrames(file: OpenFile, head: string, operations: Iterable<Operation>): Promise<number> {
  let position = 0;
  let synced = 0;
  let number = 0;
  const append = async (frame: Buffer) => {
    await file.write(frame, position);
    position += frame.length;
    number += 1;
    if (position - synced < SYNC_EVERY) return;
    await file.sync();
    synced = position;
  };
  await append(encodeFrame('head', number, head));
  for (const payload of payloads(operations)) await append(encodeFrame('operations', number, payload));
  await append(encodeFrame('end', number, ''));
  await file.sync();
  return position;
}

function* payloads(operations: Iterable<Operation>): Generator<string, void> {
  let lot: Operation[] = [];
  let size = 0;
  for (const operation of operations) {
    lot.push(operation);
    size += sizeOfOperation(operation);
    if (size < FRAME_SIZE) continue;
    yield encodeRows(lot);
    lot = [];
    size = 0;
  }
  if (lot.length > 0) yield encodeRows(lot);
}
