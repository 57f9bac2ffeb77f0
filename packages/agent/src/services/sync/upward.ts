import { randomInt } from 'node:crypto';
import type { Acknowledged, Outbox } from '@ioto/database';
import type { AgreedSyncAck, SyncAck, SyncLost, SyncPace, SyncReport } from '@ioto/protocol';
import type { Clock } from '@ioto/runtime';
import { type ChangeForm, gatherBatch, MOST_CHANGES, messageText, type Outgoing, toWire } from './batch.ts';

export interface UpwardOptions {
  clock: Clock;
  outbox: Outbox;
  /** Milliseconds until what was not acknowledged is sent again. */
  resendAfter: number;
  /** Bytes of the largest message. */
  maxBytes: number;
  /** The cloud has these changes durably. */
  acknowledged(seq: number, changes: readonly Outgoing[]): void;
  /** The cloud has dated a change anew; before it is acknowledged. */
  redated?(change: Outgoing, updated: string): void;
  /** Changes that were given up before they went up. */
  lost?(): SyncLost;
}

/** Sends the text of a message. */
export type SendBatch = (text: string) => void;

/** What holds for one connection; without anything agreed, the contract. */
export interface UpwardTerms {
  pace?: SyncPace;
  form?: ChangeForm;
  /** Batches say what they bring the order of changes to. */
  hasReport?: boolean;
}

interface Batch {
  seq: number;
  /** Those that are not acknowledged. */
  changes: readonly Outgoing[];
  /** Ends the wait for its acknowledgement. */
  cancel(): void;
}

/** Sent batches whose acknowledgement may still come, late, after they were sent again. */
const REMEMBERED = 32;
/** Batches under way, whatever the cloud allows. */
const WIDEST_WINDOW = 16;
/** Bytes of a change before any was sent. */
const TYPICAL_CHANGE = 200;

/**
 * The way of changes to the cloud: one batch under way at a time, or as many as the cloud has agreed to, each sent again
 * until it is acknowledged. What is pending lies in the database's outbox, so nothing is lost with this object but the
 * knowledge of what is under way.
 */
export class Upward {
  readonly #options: UpwardOptions;
  readonly #returns = new Map<string, Outgoing>();
  readonly #sent: Batch[] = [];
  readonly #underWay = new Set<Batch>();
  /** Versions of the changes under way: none is sent twice. */
  readonly #versions = new Set<number>();
  // Ioto contract §10: begins at random, so that an acknowledgement of an earlier run means nothing to this one.
  #seq = randomInt(1, 2 ** 30);
  #typical = TYPICAL_CHANGE;
  #terms: UpwardTerms = {};
  #pace: SyncPace = { window: 1, bytes: Number.POSITIVE_INFINITY };
  #wake: (() => void) | undefined;
  #send: SendBatch | undefined;
  #pausedUntil = 0;

  constructor(options: UpwardOptions) {
    this.#options = options;
  }

  /** There is a connection to send by, on these terms. */
  connected(send: SendBatch, terms: UpwardTerms = {}): void {
    this.#send = send;
    this.#terms = terms;
    this.#pace = { window: 1, bytes: Number.POSITIVE_INFINITY };
    this.#giveUpAll();
    if (terms.pace) this.pace(terms.pace);
    this.next();
  }

  /** What was under way is sent again on the next connection. */
  disconnected(): void {
    this.#send = undefined;
    this.#giveUpAll();
  }

  /** Sends the device's own item because the cloud's is older. Kept in memory only: the cloud will show its item again. */
  sendBack(item: Outgoing): void {
    this.#returns.set(item.key, item);
    this.next();
  }

  /** Sends nothing for `ms` milliseconds, and then what was under way again. */
  pause(ms: number): void {
    this.#giveUpAll();
    this.#wait(ms);
    this.next();
  }

  /** The cloud says how much may be under way. */
  pace({ wait = 0, ...pace }: SyncPace): void {
    this.#pace = pace;
    if (wait > 0) this.#wait(wait);
  }

  /** Sends what may go: the next batch, and further full ones as far as the cloud has agreed to. */
  next(): void {
    while (this.#mayGo() && this.#sendBatch());
  }

  /**
   * Takes what the cloud acknowledged out of the outbox; an item that changed meanwhile stays in. A batch may be
   * acknowledged in several messages.
   */
  acknowledge(ack: SyncAck | Pick<SyncAck, 'seq' | 'keys'> | AgreedSyncAck): void {
    const batch = this.#sent.find((each) => each.seq === ack.seq);
    if (!batch) return;
    const named = 'keys' in ack ? new Set(ack.keys) : undefined;
    const changes = named ? batch.changes.filter(({ key }) => named.has(key)) : batch.changes;
    if ('all' in ack) this.#redate(changes, ack.stamps);
    this.#options.outbox.acknowledge(inOutbox(changes));
    for (const change of changes)
      if (this.#returns.get(change.key) === change) this.#returns.delete(change.key);
    batch.changes = named ? batch.changes.filter(({ key }) => !named.has(key)) : [];
    if (changes.length > 0) this.#options.acknowledged(ack.seq, changes);
    // Keys that the cloud left out wait for its next message, or for the resend, so that a cloud that never names one is
    // not asked in a loop.
    if (batch.changes.length > 0) return;
    this.#sent.splice(this.#sent.indexOf(batch), 1);
    this.#giveUp(batch);
    this.next();
  }

  #redate(changes: readonly Outgoing[], stamps: AgreedSyncAck['stamps']): void {
    if (!stamps) return;
    for (const change of changes) {
      const updated = Object.hasOwn(stamps, change.key) ? stamps[change.key] : undefined;
      if (updated !== undefined) this.#options.redated?.(change, updated);
    }
  }

  /**
   * One batch goes with whatever there is. Further ones beside it only when they are full: what comes meanwhile is better
   * gathered than sent in pieces.
   */
  #mayGo(): boolean {
    const { clock, outbox } = this.#options;
    if (!this.#send || this.#underWay.size >= Math.min(this.#pace.window, WIDEST_WINDOW)) return false;
    const pause = this.#pausedUntil - clock.now();
    if (pause > 0) {
      this.#wake?.();
      this.#wake = clock.after(pause, () => this.next());
      return false;
    }
    if (this.#underWay.size === 0) return true;
    const full = Math.min(MOST_CHANGES, Math.floor(this.#maxBytes / this.#typical));
    return outbox.size - this.#versions.size >= full;
  }

  /** False when there is nothing to send. */
  #sendBatch(): boolean {
    const { clock, outbox, resendAfter } = this.#options;
    const { form = toWire, hasReport } = this.#terms;
    // Beside other batches an item that is sent back might overtake its newer change.
    const returns = this.#underWay.size === 0 ? this.#returns : new Map<string, Outgoing>();
    const pending = outbox.each(MOST_CHANGES, { skip: ({ version }) => this.#versions.has(version) });
    const { changes, texts } = gatherBatch(pending, returns, { maxBytes: this.#maxBytes, form, hasReport });
    if (changes.length === 0) return false;
    this.#seq += 1;
    const batch: Batch = {
      seq: this.#seq,
      changes,
      cancel: clock.after(resendAfter, () => {
        this.#giveUp(batch);
        this.next();
      }),
    };
    this.#underWay.add(batch);
    for (const { version } of changes) if (version !== undefined) this.#versions.add(version);
    this.#sent.push(batch);
    if (this.#sent.length > REMEMBERED) this.#sent.shift();
    outbox.markSent(inOutbox(changes));
    const text = messageText(batch.seq, texts, hasReport ? this.#report(batch) : undefined);
    this.#typical = Math.ceil(text.length / changes.length);
    this.#send?.(text);
    return true;
  }

  #report(batch: Batch): SyncReport {
    const { outbox, lost } = this.#options;
    const beside = [...this.#underWay].flatMap(({ seq }) => (seq === batch.seq ? [] : [seq]));
    const through = outbox.throughWith(this.#versions);
    const pending = outbox.size - this.#versions.size;
    const counts = lost?.() ?? {};
    const given = Object.keys(counts).length > 0 ? { lost: counts } : undefined;
    return { through, beside, latest: outbox.latest, pending: Math.max(0, pending), ...given };
  }

  get #maxBytes(): number {
    return Math.min(this.#options.maxBytes, this.#pace.bytes);
  }

  #wait(ms: number): void {
    this.#pausedUntil = this.#options.clock.now() + ms;
  }

  /** Waits for its acknowledgement no longer: its changes may go again. */
  #giveUp(batch: Batch): void {
    if (!this.#underWay.delete(batch)) return;
    batch.cancel();
    this.#versions.clear();
    for (const { changes } of this.#underWay)
      for (const { version } of changes) if (version !== undefined) this.#versions.add(version);
  }

  #giveUpAll(): void {
    for (const batch of [...this.#underWay]) this.#giveUp(batch);
    this.#wake?.();
    this.#wake = undefined;
  }
}

/** Those that wait in the outbox; an item that is sent back does not. */
function inOutbox(changes: readonly Outgoing[]): Acknowledged[] {
  return changes.flatMap(({ key, version }) => (version === undefined ? [] : [{ key, version }]));
}
