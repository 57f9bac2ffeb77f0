import type { Message, SessionChange, StoredDelivery } from '@ioto/mqtt';
import { SessionDraft } from './session-draft.ts';
import { type IndexedSession, newIndexedSession, type SessionIndex } from './session-index.ts';
import {
  deliveryKey,
  factsKey,
  messageKey,
  retainedKey,
  STAGE,
  subscriptionKey,
  unreleasedKey,
} from './session-keys.ts';
import {
  BARE_RECORD,
  deliveryRecord,
  factsRecord,
  messageRecord,
  progressRecord,
  subscriptionRecord,
} from './session-records.ts';

/** Bytes of payload from which on a message for several sessions is stored once for all of them. */
export const SHARED_FROM = 512;

/** One record to be put, or removed where there is no value. */
export interface RecordWrite {
  key: Buffer;
  value?: Buffer;
}

export interface CommitPlan {
  writes: RecordWrite[];
  /** Numbers of sessions whose every record goes. */
  ended: number[];
  /** To be called once all of it is durable. */
  settle: () => void;
}

/**
 * What a commit writes for `changes`, on the state that `index` describes, and how the index stands after it. Changes that
 * cancel out within the commit write nothing, unless `doubtful`: an earlier attempt of the same changes may have been
 * written although it was reported as failed, so what it may have left is removed, too.
 */
export function planCommit(
  changes: readonly SessionChange[],
  index: SessionIndex,
  { doubtful = false } = {},
): CommitPlan {
  const { drafts, ended, retained, nextSession } = gather(changes, index);
  const writes: RecordWrite[] = [];
  for (const [topic, message] of retained)
    writes.push({ key: retainedKey(topic), value: message && messageRecord(message) });
  const sharing = new Sharing(index, [...drafts.values()]);
  const settled: (() => void)[] = [];
  for (const [clientId, draft] of drafts) settled.push(writeDraft(clientId, draft));
  const gone = ended.filter(({ isNew }) => doubtful || !isNew);
  for (const { base } of ended) for (const number of base.shared.values()) sharing.release(number);
  writes.push(...sharing.writes());
  return {
    writes,
    ended: gone.map(({ base }) => base.number),
    settle: () => {
      for (const { clientId, base } of ended) {
        if (index.sessions.get(clientId) === base) index.sessions.delete(clientId);
      }
      for (const then of settled) then();
      sharing.settle();
      index.nextSession = nextSession;
    },
  };

  /** Returns what the index must learn of it. */
  function writeDraft(clientId: string, draft: SessionDraft): () => void {
    const { base, facts, subscriptions, unreleased } = draft;
    const { number } = base;
    if (facts) writes.push({ key: factsKey(number), value: factsRecord(facts) });
    for (const [filter, subscription] of subscriptions) {
      const value = subscription && subscriptionRecord(subscription);
      if (value || doubtful || !draft.isNew) writes.push({ key: subscriptionKey(number, filter), value });
    }
    for (const [packetId, held] of unreleased)
      writes.push({ key: unreleasedKey(number, packetId), value: held ? BARE_RECORD : undefined });
    const shared = new Map<number, number | undefined>();
    for (const [sequence, delivery] of draft.deliveries)
      shared.set(sequence, writeDelivery(draft, sequence, delivery));
    for (const [sequence, progress] of draft.progress)
      writes.push({ key: deliveryKey(number, sequence, STAGE.progress), value: progressRecord(progress) });
    return () => {
      index.sessions.set(clientId, base);
      learn(draft, shared);
    };
  }

  /** Returns the number of the shared message that the delivery refers to. */
  function writeDelivery(
    { base }: SessionDraft,
    sequence: number,
    delivery: StoredDelivery | undefined,
  ): number | undefined {
    const { number, highest, progress, shared } = base;
    const before = shared.get(sequence);
    if (before !== undefined) sharing.release(before);
    if (progress.has(sequence) || doubtful)
      writes.push({ key: deliveryKey(number, sequence, STAGE.progress) });
    const key = deliveryKey(number, sequence, STAGE.queued);
    if (!delivery) {
      if (sequence <= highest || doubtful) writes.push({ key });
      return undefined;
    }
    const { message, ...facts } = delivery;
    const common = sharing.take(message);
    const record = common === undefined ? { ...facts, message } : { ...facts, shared: common };
    writes.push({ key, value: deliveryRecord(record) });
    return common;
  }
}

interface Gathered {
  /** By client ID. */
  drafts: Map<string, SessionDraft>;
  ended: { clientId: string; base: IndexedSession; isNew: boolean }[];
  /** By topic; undefined for one that is forgotten. */
  retained: Map<string, Message | undefined>;
  nextSession: number;
}

function gather(changes: readonly SessionChange[], index: SessionIndex): Gathered {
  const drafts: Gathered['drafts'] = new Map();
  const ended: Gathered['ended'] = [];
  const retained: Gathered['retained'] = new Map();
  /** Clients whose committed session is over. */
  const over = new Set<string>();
  let { nextSession } = index;
  const draftOf = (clientId: string): SessionDraft | undefined => {
    let draft = drafts.get(clientId);
    const base = draft || over.has(clientId) ? undefined : index.sessions.get(clientId);
    if (base) {
      draft = new SessionDraft(base, false);
      drafts.set(clientId, draft);
    }
    return draft;
  };
  for (const change of changes) {
    if (change.type === 'retained') retained.set(change.message.topic, change.message);
    else if (change.type === 'forgotten') retained.set(change.topic, undefined);
    else {
      const { clientId } = change;
      let draft = draftOf(clientId);
      if (change.type === 'sessionEnded') {
        if (!draft) continue;
        ended.push({ clientId, base: draft.base, isNew: draft.isNew });
        drafts.delete(clientId);
        over.add(clientId);
        continue;
      }
      if (!draft && change.type === 'session') {
        draft = new SessionDraft(newIndexedSession(nextSession++), true);
        drafts.set(clientId, draft);
      }
      draft?.apply(change);
    }
  }
  return { drafts, ended, retained, nextSession };
}

/** The index follows a draft that is durable. */
function learn(
  { base, deliveries, progress }: SessionDraft,
  shared: ReadonlyMap<number, number | undefined>,
): void {
  for (const [sequence, delivery] of deliveries) {
    base.progress.delete(sequence);
    const common = shared.get(sequence);
    if (common === undefined) base.shared.delete(sequence);
    else base.shared.set(sequence, common);
    if (delivery && sequence > base.highest) base.highest = sequence;
  }
  for (const [sequence, changed] of progress) base.progress.set(sequence, changed);
}

/** Large messages that several deliveries of one commit refer to, and how many refer to each that is stored. */
class Sharing {
  readonly #index: SessionIndex;
  readonly #numbers = new Map<Message, number>();
  readonly #changes = new Map<number, number>();
  #next: number;

  constructor(index: SessionIndex, drafts: readonly SessionDraft[]) {
    this.#index = index;
    this.#next = index.nextMessage;
    const seen = new Set<Message>();
    for (const { deliveries } of drafts) {
      for (const delivery of deliveries.values()) {
        if (!delivery || delivery.message.payload.length < SHARED_FROM) continue;
        const { message } = delivery;
        if (seen.has(message) && !this.#numbers.has(message)) this.#numbers.set(message, this.#next++);
        seen.add(message);
      }
    }
    index.triedMessage = Math.max(index.triedMessage, this.#next);
  }

  /** The number of a message that is stored once, for one more delivery; undefined for one that the delivery holds itself. */
  take(message: Message): number | undefined {
    const number = this.#numbers.get(message);
    if (number !== undefined) this.#change(number, 1);
    return number;
  }

  /** A delivery does not refer to it any more. */
  release(number: number): void {
    this.#change(number, -1);
  }

  writes(): RecordWrite[] {
    const writes: RecordWrite[] = [];
    for (const [message, number] of this.#numbers)
      writes.push({ key: messageKey(number), value: messageRecord(message) });
    for (const number of this.#changes.keys())
      if (this.#referencesAfter(number) === 0) writes.push({ key: messageKey(number) });
    // What an earlier attempt may have left that had more to share.
    for (let number = this.#next; number < this.#index.triedMessage; number += 1)
      writes.push({ key: messageKey(number) });
    return writes;
  }

  settle(): void {
    const { references } = this.#index;
    for (const number of this.#changes.keys()) {
      const after = this.#referencesAfter(number);
      if (after === 0) references.delete(number);
      else references.set(number, after);
    }
    this.#index.nextMessage = this.#next;
    this.#index.triedMessage = this.#next;
  }

  #change(number: number, by: number): void {
    this.#changes.set(number, (this.#changes.get(number) ?? 0) + by);
  }

  #referencesAfter(number: number): number {
    return (this.#index.references.get(number) ?? 0) + (this.#changes.get(number) ?? 0);
  }
}
