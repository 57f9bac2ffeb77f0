import type { OutboxEntry } from '@ioto/database';
import type { ChangeCommand, SyncChange, WireItem } from '@ioto/protocol';

/** A change on its way up. `version` is missing for an item that is sent back because the cloud's was older. */
export interface Outgoing {
  key: string;
  model: string;
  cmd: ChangeCommand;
  item: WireItem;
  version?: number;
}

/** Bytes that the frame around the changes takes, generously. */
const FRAME = 64;
/** More changes than this in one message would keep its reader from others for too long. */
export const MOST_CHANGES = 1000;

/**
 * As many changes, in their order, as fit one message of `maxBytes`; at least one, since a change that is too large by
 * itself must not hold up those behind it for ever. An item that is to be sent back gives way to its newer change.
 */
export function gatherBatch(
  pending: readonly OutboxEntry[],
  returns: ReadonlyMap<string, Outgoing>,
  maxBytes: number,
): Outgoing[] {
  const changed = new Set(pending.map(({ key }) => key));
  const candidates = [...pending, ...[...returns.values()].filter(({ key }) => !changed.has(key))];
  const batch: Outgoing[] = [];
  const keys = new Set<string>();
  let size = FRAME;
  for (const candidate of candidates.slice(0, MOST_CHANGES)) {
    // The acknowledgement names a change by its sort key alone: two items of one sort key go in two messages.
    if (keys.has(candidate.key)) continue;
    size += Buffer.byteLength(JSON.stringify(toWire(candidate))) + 1;
    if (size > maxBytes && batch.length > 0) break;
    keys.add(candidate.key);
    batch.push(candidate);
  }
  return batch;
}

/** The form of Ioto contract §7, syncToDynamo. */
export function toWire({ cmd, key, item }: Outgoing): SyncChange {
  return { cmd, key, item };
}
