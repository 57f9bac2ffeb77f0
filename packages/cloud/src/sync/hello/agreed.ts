import {
  type AgreedSyncAck,
  deviceTopic,
  SyncChecked,
  SyncHello,
  type SyncHelloAnswer,
  SyncReport,
} from '@ioto/protocol';
import { type Clock, isoTime } from '@ioto/runtime';
import { Check } from 'typebox/value';
import type { DeviceEndpoint } from '../../ports/device-endpoint.ts';
import type { ItemStore, StoredItem, StoredKey } from '../../ports/item-store.ts';
import type { SyncIdentity } from '../items/wire-item.ts';
import type { RequestHandler } from '../service-messages.ts';
import type { Pace } from '../up/pace.ts';
import type { SyncPlan } from '../up/sync-plan.ts';
import { Confirmed, type Note, placeOf, type SyncSummary } from './confirmed.ts';
import type { Peer, Peers } from './peers.ts';

export interface AgreedOptions {
  store: ItemStore;
  endpoint: Pick<DeviceEndpoint, 'deliver'>;
  clock: Clock;
  peers: Peers;
  pace: Pace;
  /** Of the models that sync: `schemaHash`. */
  schemaHash: string;
}

/** A batch that came with a report, from a device that has said hello on this connection. */
export interface AgreedBatch {
  readonly peer: Peer;
  readonly report: SyncReport;
  readonly seq: number;
}

/** Batches of a device that may be under way, and more than it has. */
const MOST_REMEMBERED = 64;

/** What goes beyond the contract between this cloud and devices that have said hello. */
export class Agreed {
  readonly peers: Peers;
  readonly #options: AgreedOptions;
  readonly #confirmed: Confirmed;

  constructor(options: AgreedOptions) {
    this.#options = options;
    this.peers = options.peers;
    this.#confirmed = new Confirmed(options);
  }

  /** Answers `sync/hello`; nothing for what is none. */
  readonly hello: RequestHandler = async (identity, body) => {
    if (!Check(SyncHello, body)) return undefined;
    // Before anything is waited for: it is of the connection that it came by.
    const peer = this.peers.said(identity.deviceId, body);
    const through = await this.#confirmed.heard(identity, body);
    const { clock, pace, schemaHash } = this.#options;
    peer.told = pace.now();
    const answer: SyncHelloAnswer = {
      v: 1,
      can: [...peer.can],
      schema: schemaHash,
      through,
      time: isoTime(clock),
      pace: peer.told,
    };
    return JSON.stringify(answer);
  };

  /** Answers `sync/checked`: the device says that it found all its tables to be as the cloud's. */
  readonly checked: RequestHandler = async (identity, body) => {
    const peer = this.peers.of(identity.deviceId);
    if (!peer?.can.has('digest') || !Check(SyncChecked, body)) return undefined;
    await this.#confirmed.checked(identity, peer.generation);
    return '{}';
  };

  summary(identity: SyncIdentity): Promise<SyncSummary | undefined> {
    return this.#confirmed.summary(identity);
  }

  /** Undefined for a batch that the contract alone holds for. */
  batch(peer: Peer | undefined, message: object): AgreedBatch | undefined {
    if (!peer?.can.has('through') || !Check(SyncReport, message)) return undefined;
    const { seq } = message as { seq?: unknown };
    return { peer, report: message, seq: typeof seq === 'number' ? seq : 0 };
  }

  /** What is to be written in the commit that makes the batch durable. */
  note(identity: SyncIdentity, { peer, report }: AgreedBatch, before: StoredItem | undefined): Note {
    const { beside, ...said } = report;
    // One that went before it and has not come leaves open how far the device's changes are here.
    const through = beside.every((seq) => peer.taken.includes(seq)) ? said.through : 0;
    return this.#confirmed.note(identity, before, { ...said, through, generation: peer.generation });
  }

  /** Where that lies. */
  placeOf({ deviceId }: SyncIdentity): StoredKey {
    return placeOf(deviceId);
  }

  /** A batch is durable: to be said before the next of its device is looked at. */
  durable({ peer, seq }: AgreedBatch): void {
    peer.taken.push(seq);
    if (peer.taken.length > MOST_REMEMBERED) peer.taken.shift();
  }

  /** Acknowledges a whole batch. Returns of what the device is to be told that which the acknowledgement does not say. */
  acknowledge(
    deviceId: string,
    batch: AgreedBatch,
    { seq, told, through }: { seq: number; told: SyncPlan['told']; through: number },
  ): SyncPlan['told'] {
    const { endpoint, clock } = this.#options;
    const { peer, report } = batch;
    peer.pending = report.pending;
    const pace = this.#paceFor(peer);
    const stamped = peer.can.has('stamp') ? told.filter(({ redated }) => redated) : [];
    const stamps = Object.fromEntries(stamped.map(({ item }) => [item.sk, String(item.updated)]));
    const ack: AgreedSyncAck = {
      seq,
      updated: isoTime(clock),
      all: true,
      through,
      ...(pace && { pace }),
      ...(stamped.length > 0 && { stamps }),
    };
    void endpoint.deliver(deviceId, deviceTopic.sync(deviceId, 'SYNC'), JSON.stringify(ack));
    return told.filter((each) => !stamped.includes(each));
  }

  /** Undefined where the device knows it already. */
  #paceFor(peer: Peer) {
    if (!peer.can.has('pace')) return undefined;
    const pace = this.#options.pace.now();
    const { told } = peer;
    if (told && told.window === pace.window && told.bytes === pace.bytes && !pace.wait) return undefined;
    peer.told = pace;
    return pace;
  }
}
