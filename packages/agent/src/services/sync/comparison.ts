import { type Database, isCompared, type Model } from '@ioto/database';
import {
  bucketBits,
  compareTimes,
  MOST_FETCHED,
  type Repair,
  repairOf,
  SYNC_CHECKED,
  SYNC_DIGEST,
  SYNC_FETCH,
  SyncDigestAnswer,
  SyncFetchAnswer,
} from '@ioto/protocol';
import { type Clock, type Emitter, type Logger, sleep } from '@ioto/runtime';
import { type Static, type TSchema, Type } from 'typebox';
import { Check } from 'typebox/value';
import type { AgentEvents } from '../../agent-events.ts';
import type { Ask } from '../mqtt/requests.ts';
import { OwnTable } from './own-table.ts';

export interface ComparisonOptions {
  ask: Ask;
  database: Database;
  clock: Clock;
  logger: Logger;
  events: Emitter<AgentEvents>;
}

/** What holds for one connection. */
export interface CompareTerms {
  /** Both ends read items by the same schema. */
  readonly isSameSchema: boolean;
  /** Aborts when the connection ends. */
  readonly signal: AbortSignal;
  /** The cloud's clock, in milliseconds. */
  cloudNow(): number;
}

/** Milliseconds that changes have to go up before their tables are compared all the same. */
const PATIENCE = 60_000;
/** Milliseconds between looks whether they have. */
const LOOK = 500;
/** Milliseconds: of what it fetches the device has to acknowledge everything before the cloud answers. */
const ANSWER_TIMEOUT = 120_000;
/** Of one model: where everything differs each brings over a thousand rows. */
const MOST_ROUNDS = 1000;

/** What a round found and did. */
interface Round {
  readonly differing: readonly string[];
  readonly sent: number;
  readonly fetched: number;
}

/**
 * One comparison of the device's tables with the cloud's, and the repair of only that in which they differ: what the cloud
 * lacks is sent, what is missing or older here is fetched. Whatever changes meanwhile may look like a difference; that does
 * no harm, since of each item the newest version counts.
 */
export class Comparison {
  readonly #options: ComparisonOptions;
  readonly #terms: CompareTerms;

  constructor(options: ComparisonOptions, terms: CompareTerms) {
    this.#options = options;
    this.#terms = terms;
  }

  /**
   * Compares all models that both ends compare; resolves with whether all were the same in the end.
   *
   * @throws what `ask` throws, and the signal's reason: it was not completed.
   */
  async run(): Promise<boolean> {
    const { database } = this.#options;
    let models = 0;
    let same = true;
    for (const model of database.schema.models.values()) {
      // What was in memory is gone by intent; the cloud keeps it.
      const isVolatile = model.sync === 'up' && database.durabilityOf(model.name) === 'mem';
      if (isVolatile || !isCompared(model)) continue;
      const isSame = await this.#compare(model);
      if (isSame === undefined) continue;
      models += 1;
      same &&= isSame;
    }
    if (same) await this.#ask(SYNC_CHECKED, { models }, Type.Object({}));
    return same;
  }

  /** True when the tables are the same in the end; undefined where the cloud does not compare this one. */
  async #compare(model: Model): Promise<boolean | undefined> {
    const { events, logger } = this.#options;
    const differences = new Set<string>();
    let [sent, fetched] = [0, 0];
    let before: string | undefined;
    let answer: 'equal' | 'refused' | Round | undefined;
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      await this.#calm();
      answer = await this.#round(model);
      if (answer === 'equal' || answer === 'refused') break;
      for (const key of answer.differing) differences.add(key);
      sent += answer.sent;
      fetched += answer.fetched;
      // What did not help once will not help the next time.
      const found = answer.differing.join('\n');
      if (found === before || answer.sent + answer.fetched === 0) break;
      before = found;
    }
    if (answer === 'refused') return undefined;
    const facts = { model: model.name, differences: differences.size, sent, fetched };
    logger.debug(facts, 'compared with the cloud');
    events.emit('sync:checked', facts);
    return answer === 'equal';
  }

  async #round(model: Model): Promise<'equal' | 'refused' | Round> {
    const at = this.#terms.cloudNow();
    const timesOnly = !this.#terms.isSameSchema;
    const table = new OwnTable(this.#options.database, model, { at, timesOnly });
    const sketch = await table.sketch();
    const { digest, count } = sketch;
    const question = { model: model.name, at: new Date(at).toISOString(), digest, count, timesOnly };
    const first = await this.#ask(SYNC_DIGEST, question, SyncDigestAnswer);
    if ('refused' in first) return 'refused';
    if (first.equal) return 'equal';
    const bits = bucketBits(Math.max(count, first.count));
    const buckets = sketch.buckets(bits);
    const second = await this.#ask(SYNC_DIGEST, { ...question, bits, buckets }, SyncDigestAnswer);
    if ('refused' in second) return 'refused';
    if (second.equal) return 'equal';
    const own = await table.rowsOf(bits, new Set(second.buckets));
    const { rows = [] } = second;
    const times = new Map(rows.map(([key, updated]) => [key, updated]));
    return this.#repair(model, table, withRemovals(repairOf(own, rows), table, times));
  }

  async #repair(model: Model, table: OwnTable, { send, fetch }: Repair): Promise<Round> {
    const { outbox } = this.#options.database;
    // What waits goes up by itself.
    const differing = (keys: readonly string[]) => keys.filter((key) => !outbox.waitsFor(table.keyOf(key)));
    const goes = differing(model.syncsUp ? send : []);
    const comes = differing(model.syncsUp ? fetch : [...send, ...fetch]);
    const sent = await outbox.enqueue(goes.map((key) => table.keyOf(key)));
    let fetched = 0;
    for (let from = 0; from < comes.length; from += MOST_FETCHED) {
      const keys = comes.slice(from, from + MOST_FETCHED);
      const answer = await this.#ask(SYNC_FETCH, { model: model.name, keys }, SyncFetchAnswer);
      if ('sent' in answer) fetched += answer.sent;
    }
    return { differing: [...goes, ...comes].sort(), sent, fetched };
  }

  /** Asks, and again when the cloud says so. */
  async #ask<S extends TSchema>(
    request: string,
    body: Readonly<Record<string, unknown>>,
    schema: S,
  ): Promise<Exclude<Static<S>, { retryAfter: number }>> {
    const { ask, clock } = this.#options;
    const { signal } = this.#terms;
    for (;;) {
      signal.throwIfAborted();
      const answer: unknown = JSON.parse(await ask(request, body, { timeout: ANSWER_TIMEOUT }));
      signal.throwIfAborted();
      if (!Check(schema, answer)) throw new Error(`the answer to ${request} is malformed`);
      const { retryAfter } = answer as { retryAfter?: number };
      if (retryAfter === undefined) return answer as Exclude<Static<S>, { retryAfter: number }>;
      await sleep(clock, retryAfter * 1000, signal);
    }
  }

  /** Until nothing waits to go up, or for a minute. */
  async #calm(): Promise<void> {
    const { clock, database } = this.#options;
    const end = clock.now() + PATIENCE;
    while (database.outbox.size > 0 && clock.now() < end) await sleep(clock, LOOK, this.#terms.signal);
  }
}

/** What was removed here after the cloud's version was made goes up, as a removal, rather than come back. */
function withRemovals({ send, fetch }: Repair, table: OwnTable, times: ReadonlyMap<string, string>): Repair {
  const isRemoved = (key: string) => {
    const removed = table.removedAt(key);
    return removed !== undefined && compareTimes(removed, times.get(key) ?? '') > 0;
  };
  const removed = new Set(fetch.filter(isRemoved));
  return { send: [...send, ...removed], fetch: fetch.filter((key) => !removed.has(key)) };
}
