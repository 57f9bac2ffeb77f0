import type { Message, StoredDelivery, StoredSession, StoredState, Subscription } from '@ioto/mqtt';
import { isCodedError, messageOf } from '@ioto/runtime';
import type { RecordReader } from './record-bytes.ts';
import { type IndexedSession, newIndexedSession, SessionIndex } from './session-index.ts';
import { deliveryKey, messageKey, type ParsedKey, parseKey, STAGE } from './session-keys.ts';
import {
  type Progress,
  readDelivery,
  readFacts,
  readMessage,
  readProgress,
  readRecord,
  readSubscription,
  type SessionFactsRecord,
} from './session-records.ts';

/** A record that was passed over. */
export interface Fault {
  /** What it is, and where. */
  record: string;
  /** What is lost with it, and why. */
  problem: string;
}

/** One session while its records come by. */
interface Reading {
  indexed: IndexedSession;
  facts?: SessionFactsRecord;
  subscriptions: Subscription[];
  deliveries: Map<number, StoredDelivery>;
  unreleased: number[];
  /** Why the session cannot be taken up. */
  broken?: string;
}

type SessionKey = ParsedKey & { of: 'session' };

/**
 * Makes sessions and retained messages of the records, which come in the order of their keys, shared messages first. What
 * cannot be read costs as little as can be without a lie: a message costs itself; facts or subscriptions cost the session,
 * since a client that is told that its session is present does not subscribe again.
 */
export class SessionLoader {
  readonly index = new SessionIndex();
  readonly faults: Fault[] = [];
  /** Keys of records that nothing refers to any more, or that cannot be read. */
  readonly useless: Buffer[] = [];
  /** Numbers of sessions whose every record is useless. */
  readonly lost: number[] = [];
  readonly #sessions: StoredSession[] = [];
  readonly #retained: Message[] = [];
  readonly #messages = new Map<number, Message>();
  readonly #where: string;
  #reading: Reading | undefined;

  /** `where` names the store in messages. */
  constructor(where: string) {
    this.#where = where;
  }

  /** @throws SESSIONS_NEWER for a record of a later version. */
  take(key: Buffer, value: Buffer): void {
    const parsed = parseKey(key);
    if (!parsed)
      this.#fault(`a record with the key ${key.toString('hex').slice(0, 80)}`, 'it is left as it is');
    else if (parsed.of === 'message') this.#takeMessage(parsed.message, key, value);
    else if (parsed.of === 'retained') this.#takeRetained(key, value);
    else if (parsed.of === 'session') this.#takePart(parsed, key, value);
  }

  finish(): StoredState {
    this.#finishSession();
    for (const number of this.#messages.keys()) {
      if (!this.index.references.has(number)) this.useless.push(messageKey(number));
      this.index.nextMessage = Math.max(this.index.nextMessage, number + 1);
    }
    return { sessions: this.#sessions, retained: this.#retained };
  }

  #takeMessage(number: number, key: Buffer, value: Buffer): void {
    const message = this.#read(
      `shared message ${number}`,
      value,
      readMessage,
      'the deliveries of it are lost',
    );
    if (message) this.#messages.set(number, message);
    else this.useless.push(key);
  }

  #takeRetained(key: Buffer, value: Buffer): void {
    const name = `the retained message ${key.toString('hex')}`;
    const message = this.#read(name, value, readMessage, 'it is lost');
    if (message) this.#retained.push(message);
    else this.useless.push(key);
  }

  #takePart(parsed: SessionKey, key: Buffer, value: Buffer): void {
    if (this.#reading?.indexed.number !== parsed.session) {
      this.#finishSession();
      const indexed = newIndexedSession(parsed.session);
      this.#reading = { indexed, subscriptions: [], deliveries: new Map(), unreleased: [] };
    }
    const reading = this.#reading as Reading;
    const name = `${parsed.part} of session ${parsed.session}${reading.facts ? ` (client ${reading.facts.clientId})` : ''}`;
    if (parsed.part === 'unreleased') reading.unreleased.push(parsed.packetId);
    else if (parsed.part === 'delivery') this.#takeDelivery(reading, parsed, name, key, value);
    else if (parsed.part === 'facts') {
      reading.facts = this.#read(name, value, readFacts, 'the session is lost');
      if (!reading.facts) reading.broken = 'its facts cannot be read';
    } else {
      const subscription = this.#read(name, value, readSubscription, 'the session is lost');
      if (subscription) reading.subscriptions.push(subscription);
      else reading.broken = 'a subscription cannot be read';
    }
  }

  #takeDelivery(
    reading: Reading,
    { session, sequence, stage }: SessionKey & { part: 'delivery' },
    name: string,
    key: Buffer,
    value: Buffer,
  ): void {
    const record = `${name}, message ${sequence}`;
    if (stage === STAGE.progress) {
      const progress = this.#read(record, value, readProgress, 'the message is lost');
      if (progress) this.#takeProgress(reading, sequence, progress);
      else {
        this.useless.push(key, deliveryKey(session, sequence, STAGE.queued));
        reading.deliveries.delete(sequence);
        reading.indexed.shared.delete(sequence);
      }
      return;
    }
    const { indexed } = reading;
    indexed.highest = Math.max(indexed.highest, sequence);
    const stored = this.#read(record, value, readDelivery, 'the message is lost');
    const message = stored?.message ?? this.#messages.get(stored?.shared ?? 0);
    if (!stored || !message) {
      if (stored) this.#fault(record, `it refers to shared message ${stored.shared}, which is not there`);
      this.useless.push(key);
      return;
    }
    const { shared, ...facts } = stored;
    reading.deliveries.set(sequence, { ...facts, sequence, message });
    if (shared !== undefined) indexed.shared.set(sequence, shared);
  }

  #takeProgress({ indexed, deliveries }: Reading, sequence: number, progress: Progress): void {
    indexed.progress.set(sequence, progress);
    const delivery = deliveries.get(sequence);
    if (delivery) Object.assign(delivery, progress);
  }

  #finishSession(): void {
    const reading = this.#reading;
    this.#reading = undefined;
    if (!reading) return;
    const { indexed, facts, subscriptions, deliveries, unreleased } = reading;
    const { index } = this;
    index.nextSession = Math.max(index.nextSession, indexed.number + 1);
    if (facts && index.sessions.has(facts.clientId)) reading.broken = 'its client has another session';
    if (!facts || reading.broken !== undefined) {
      this.#fault(`session ${indexed.number}`, `it is lost: ${reading.broken ?? 'it has no facts'}`);
      this.lost.push(indexed.number);
      return;
    }
    index.sessions.set(facts.clientId, indexed);
    for (const number of indexed.shared.values())
      index.references.set(number, (index.references.get(number) ?? 0) + 1);
    this.#sessions.push({ ...facts, subscriptions, deliveries: [...deliveries.values()], unreleased });
  }

  #read<T>(name: string, value: Buffer, read: (reader: RecordReader) => T, cost: string): T | undefined {
    try {
      return readRecord(`${name} in ${this.#where}`, value, read);
    } catch (error) {
      if (isCodedError(error, 'SESSIONS_NEWER')) throw error;
      this.#fault(name, `${cost}: ${messageOf(error)}`);
      return undefined;
    }
  }

  #fault(record: string, problem: string): void {
    this.faults.push({ record: `${record} in ${this.#where}`, problem });
  }
}
