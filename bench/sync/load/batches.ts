import { serviceTopic } from '@ioto/protocol';
import { publishPacket } from '../../mqtt/load/wire.ts';

export interface BatchTask {
  /** Batches of each device. */
  batches: number;
  /** Changes in each. */
  changes: number;
  /** 0 for new items, and more for the versions of the same items after that. */
  round: number;
  /** The form that is agreed on by a hello: without what the cloud knows anyway. */
  lean: boolean;
}

export interface Owner {
  deviceId: string;
  accountId: string;
}

/** A number of a sensor, as an agent keeps it in its Store. */
export function storeItem({ deviceId, accountId }: Owner, index: number, round: number) {
  const key = `sensor/reading/${index}`;
  const time = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
  const value = String(index * 7 + round);
  const facts = { accountId, deviceId, key, value, type: 'number' };
  return { ...facts, created: time(0), updated: time(round), _type: 'Store', sk: `s#${key}` };
}

/** PUBLISHes of a device, built before the clock runs. The packet ID is the number of the batch. */
export function batchPackets(owner: Owner, { batches, changes, round, lean }: BatchTask): Buffer[] {
  return Array.from({ length: batches }, (_, batch) => {
    const seq = batch + 1;
    const list = Array.from({ length: changes }, (__, at) =>
      changeOf(storeItem(owner, batch * changes + at, round), { isNew: round === 0, lean }),
    );
    const facts = lean ? { through: seq, beside: [], latest: batches, pending: batches - seq } : {};
    const payload = Buffer.from(JSON.stringify({ seq, changes: list, ...facts }));
    return publishPacket({ topic: serviceTopic.syncUp(owner.deviceId), payload, qos: 1, packetId: seq });
  });
}

/** One change in the contract's form, with the item's whole content; an item is said to be made only when it is new. */
export function changeOf(
  { created, ...item }: ReturnType<typeof storeItem>,
  { isNew, lean }: { isNew: boolean; lean: boolean },
): object {
  const { accountId: _a, deviceId: _d, sk, ...bare } = item;
  const sent = lean ? bare : item;
  if (isNew) return { cmd: 'create', key: sk, item: { ...sent, created } };
  const update = { cmd: 'update', key: sk, item: sent };
  // The version of the round before, as an agent of ours says.
  return lean ? { ...update, base: Date.parse(item.updated) - 1000 } : update;
}
