import type { SyncHello, SyncLost, SyncReport } from '@ioto/protocol';
import { type Clock, isoTime } from '@ioto/runtime';
import { devicePartition } from '../../devices/device-records.ts';
import type { ItemStore, StoredItem, StoredKey } from '../../ports/item-store.ts';
import type { SyncIdentity } from '../items/wire-item.ts';

/** How far a device's changes have come, as it is shown to its owner. */
export interface SyncSummary {
  /**
   * The device numbers its changes in their order. Of each item the cloud has the latest change of a number up to this,
   * unless a later one has taken its place on the device and waits there. What the cloud refuses, and logs, counts as
   * taken: the device does not send it again.
   */
  through: number;
  /** The latest number that the device spoke of. */
  latest: number;
  /** Items whose changes wait on the device, as it said last. */
  pending: number;
  /** ISO time at which it said so. */
  at: string;
  /** ISO time since when something waits. */
  since?: string;
  /** Changes that the device gave up before they went up, by model. */
  lost: SyncLost;
  /** ISO time at which device and cloud last compared their tables and found them the same. */
  checked?: string;
}

/** The same as it is kept: numbers are of one database of the device, under one owner. */
interface SyncRecord extends SyncSummary {
  accountId: string;
  generation: string;
}

/** What a batch's commit has to hold beside its items. */
export interface Note {
  record: StoredItem;
  through: number;
  /** Changes that are lost and were not counted before. */
  lost: number;
}

type Kept = (SyncRecord & StoredItem) | undefined;

/** Where it is kept of a device. */
export function placeOf(deviceId: string): StoredKey {
  return { pk: devicePartition(deviceId), sk: 'sync' };
}

/** Keeps of each device how far its changes are confirmed. Never more than what is durable: it is written with it. */
export class Confirmed {
  readonly #store: ItemStore;
  readonly #clock: Clock;

  constructor({ store, clock }: { store: ItemStore; clock: Clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * What is to be written in the commit that makes the batch of the report durable.
   *
   * @param before What is kept by then, at `placeOf` the device.
   */
  note(
    identity: SyncIdentity,
    before: StoredItem | undefined,
    report: Omit<SyncReport, 'beside'> & { generation: string },
  ): Note {
    const held = standing(before as Kept, identity, report.generation);
    return this.#noted(identity, before as Kept, {
      ...report,
      through: Math.max(report.through, held.through),
    });
  }

  /** Keeps what a device says of itself as it connects. Resolves with how far it is confirmed. */
  async heard(identity: SyncIdentity, hello: SyncHello): Promise<number> {
    let through = 0;
    await this.#store.update([placeOf(identity.deviceId)], ([before]) => {
      const held = standing(before as Kept, identity, hello.generation);
      // Where nothing waits everything has been acknowledged. A device whose order of changes ends earlier than it did,
      // because its storage was put back, will give the numbers beyond that out again.
      through = hello.pending === 0 ? hello.latest : Math.min(held.through, hello.latest);
      return [{ put: this.#noted(identity, before as Kept, { ...hello, through }).record }];
    });
    return through;
  }

  /** Keeps that the device found its tables to be the same as the cloud's. */
  async checked(identity: SyncIdentity, generation: string): Promise<void> {
    await this.#store.update([placeOf(identity.deviceId)], ([held]) => {
      const before = held as Kept;
      if (before?.accountId !== identity.accountId || before.generation !== generation) return [];
      return [{ put: { ...before, checked: isoTime(this.#clock) } }];
    });
  }

  /** Undefined for a device that has never said anything of it, or not to this owner. */
  async summary({ deviceId, accountId }: SyncIdentity): Promise<SyncSummary | undefined> {
    const record = await this.#read(deviceId);
    if (record?.accountId !== accountId) return undefined;
    const { through, latest, pending, at, since, lost, checked } = record;
    return { through, latest, pending, at, ...(since && { since }), lost, ...(checked && { checked }) };
  }

  #noted(
    identity: SyncIdentity,
    before: Kept,
    said: Pick<SyncReport, 'through' | 'latest' | 'pending' | 'lost'> & { generation: string },
  ): Note {
    const { accountId, deviceId } = identity;
    const { generation, through, latest, pending } = said;
    const held = standing(before, identity, generation);
    const at = isoTime(this.#clock);
    const lost = said.lost ?? held.lost;
    const record: SyncRecord & StoredItem = {
      ...placeOf(deviceId),
      ...{ accountId, generation, through, latest, pending, at, lost },
      ...(pending > 0 && { since: held.since ?? at }),
      ...(held.checked && { checked: held.checked }),
    };
    const more = Math.max(0, total(lost) - total(held.lost));
    return { record, through, lost: more };
  }

  async #read(deviceId: string): Promise<Kept> {
    const { pk, sk } = placeOf(deviceId);
    return (await this.#store.get(pk, sk)) as Kept;
  }
}

/** What is kept, as far as it is of this database and this owner. */
function standing(
  record: SyncRecord | undefined,
  { accountId }: SyncIdentity,
  generation: string,
): Pick<SyncRecord, 'through' | 'since' | 'lost' | 'checked'> {
  const isSame = record?.accountId === accountId && record.generation === generation;
  return isSame ? record : { through: 0, lost: {} };
}

function total(lost: SyncLost): number {
  return Object.values(lost).reduce((sum, count) => sum + count, 0);
}
