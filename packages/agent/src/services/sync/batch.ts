import type { OutboxEntry } from '@ioto/database';
import {
  type ChangeCommand,
  FIELD_TIMES,
  type SyncChange,
  type SyncReport,
  type WireItem,
} from '@ioto/protocol';

/** A change on its way up. `version` is missing for an item that is sent back because the cloud's was older. */
export interface Outgoing {
  key: string;
  model: string;
  cmd: ChangeCommand;
  item: WireItem;
  version?: number;
  /** The cloud has an earlier version of the item. */
  isKnown?: boolean;
  /** `updated` of the cloud's version that it was made from, ISO, '' for none, where that is known. */
  base?: string;
}

/** The form in which a change travels. */
export type ChangeForm = (change: Outgoing) => SyncChange;

/** Changes for one message, and the text of each. */
export interface Gathered {
  readonly changes: readonly Outgoing[];
  readonly texts: readonly string[];
}

/** Bytes that the frame around the changes takes, generously. */
const FRAME = 64;
/** The same with a report. */
const REPORT = 512;
/** More changes than this in one message would keep its reader from others for too long. */
export const MOST_CHANGES = 1000;

export interface GatherOptions {
  maxBytes: number;
  form: ChangeForm;
  hasReport?: boolean;
}

/**
 * As many changes, in their order, as fit one message of `maxBytes`; at least one, since a change that is too large by
 * itself must not hold up those behind it for ever. An item that is to be sent back gives way to its newer change. Of what is
 * pending no more is asked for than fits.
 */
export function gatherBatch(
  pending: Iterable<OutboxEntry>,
  returns: ReadonlyMap<string, Outgoing>,
  { maxBytes, form, hasReport = false }: GatherOptions,
): Gathered {
  const changes: Outgoing[] = [];
  const texts: string[] = [];
  const keys = new Set<string>();
  let size = hasReport ? REPORT : FRAME;
  for (const candidate of inTurn(pending, returns)) {
    // The acknowledgement names a change by its sort key alone: two items of one sort key go in two messages. What is to be
    // sent back comes when all that is pending is in.
    if (keys.has(candidate.key)) continue;
    const text = JSON.stringify(form(candidate));
    size += Buffer.byteLength(text) + 1;
    if (size > maxBytes && changes.length > 0) break;
    keys.add(candidate.key);
    changes.push(candidate);
    texts.push(text);
    if (changes.length >= MOST_CHANGES) break;
  }
  return { changes, texts };
}

function* inTurn(
  pending: Iterable<OutboxEntry>,
  returns: ReadonlyMap<string, Outgoing>,
): Generator<Outgoing> {
  yield* pending;
  yield* returns.values();
}

/** The form of Ioto contract §7, syncToDynamo: nobody but our ends knows of the times of fields. */
export const toWire: ChangeForm = ({ cmd, key, item }) => {
  if (!(FIELD_TIMES in item)) return { cmd, key, item };
  const { [FIELD_TIMES]: _times, ...fields } = item as Record<string, unknown>;
  return { cmd, key, item: fields };
};

/** The text of a message; `report` where it is agreed. */
export function messageText(seq: number, texts: readonly string[], report?: SyncReport): string {
  const more = report ? `,${JSON.stringify(report).slice(1, -1)}` : '';
  return `{"seq":${seq},"changes":[${texts.join()}]${more}}`;
}
