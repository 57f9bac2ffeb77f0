import { setImmediate as turn } from 'node:timers/promises';
import { type Clock, errorCatalogue, type Logger, messageOf } from '@ioto/runtime';
import type { Complaints } from '../limits/complaints.ts';
import { FairQueue } from '../limits/fair-queue.ts';
import { type ItemStore, type Write, writeIfHolds } from '../ports/item-store.ts';
import type { SyncIdentity } from '../sync/items/wire-item.ts';
import { type MetricSet, readMetricSet } from './metric-message.ts';
import { SeenNumbers } from './seen-numbers.ts';
import { SeriesLimits } from './series-limits.ts';
import { readSeries, type SeriesItem, type SeriesName, seriesKey, seriesWrites } from './series-records.ts';
import { type Kept, withSamples } from './spans.ts';

/** Sets that go into one commit. */
const MOST = 200;
/** Sets that are planned before others have their turn: some milliseconds. */
const AT_A_TIME = 25;
/** How often a commit is planned anew because another process wrote one of its series meanwhile. */
const ATTEMPTS = 20;

export const metricError = errorCatalogue({ METRIC_CONTENDED: { status: 503, retryable: true } });

export interface MetricIntakeOptions {
  store: ItemStore;
  clock: Clock;
  complaints: Complaints;
  logger: Logger;
}

/** What became of a set: `full` when there was no room for one more series, `seen` when it had come before. */
export type MetricOutcome = 'taken' | 'full' | 'seen';

interface Waiting {
  identity: SyncIdentity;
  set: MetricSet;
  resolve(outcome: MetricOutcome): void;
  reject(error: unknown): void;
}

/** By series that is new: whether there was room for it. Room is taken once, however often the commit is planned anew. */
type Roomy = Map<string, boolean>;

/** One series within a commit. */
interface Draft {
  name: SeriesName;
  before: SeriesItem | undefined;
  kept: Kept;
  unit?: string;
  deviceId: string;
}

/**
 * Takes what devices measure: `…/metric/set` (Ioto contract §7). All that has come in while a commit was under way goes into
 * the next one, so that a burst costs one; of more than fits, as much of each account, so that nobody waits for another's flood.
 */
export class MetricIntake {
  readonly #options: MetricIntakeOptions;
  readonly #limits: SeriesLimits;
  /** By account. */
  readonly #waiting = new FairQueue<Waiting>();
  #isBusy = false;
  /** Sets that are stored, and those that were dropped. */
  readonly counters = { taken: 0, refused: 0 };

  constructor(options: MetricIntakeOptions) {
    this.#options = options;
    this.#limits = new SeriesLimits(options);
  }

  /** Resolves when it is durable, or dropped because it would be no better another time. Rejects for faults of the cloud. */
  async receive(identity: SyncIdentity, message: unknown): Promise<void> {
    const { deviceId } = identity;
    const set = readMetricSet(message, { deviceId, now: this.#options.clock.now() });
    if ('refused' in set) {
      this.counters.refused += 1;
      this.#options.complaints.of(deviceId, 'metric of a device dropped', { why: set.refused });
      return;
    }
    await this.take(identity, set);
  }

  /** Resolves when it is durable, or when there is no room for it. Rejects for faults of the cloud. */
  take(identity: SyncIdentity, set: MetricSet): Promise<MetricOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(identity.accountId, { identity, set, resolve, reject });
      this.#begin();
    });
  }

  /** Sets of an account that wait to be stored. */
  waitingOf(accountId: string): number {
    return this.#waiting.sizeOf(accountId);
  }

  #begin(): void {
    if (this.#isBusy) return;
    this.#isBusy = true;
    // A turn of the loop later, so that the messages that were read with this one come along.
    setImmediate(() => void this.#work());
  }

  async #work(): Promise<void> {
    while (this.#waiting.size > 0) {
      const lot = this.#take();
      try {
        const outcomes = await this.#commit(lot);
        for (const [index, { resolve }] of lot.entries()) resolve(outcomes[index] ?? 'full');
      } catch (error) {
        this.#options.logger.error({ error: messageOf(error) }, 'cannot store metrics of devices');
        for (const { reject } of lot) reject(error);
      }
    }
    this.#isBusy = false;
  }

  #take(): Waiting[] {
    const lot: Waiting[] = [];
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      lot.push(next);
      if (lot.length === MOST) break;
    }
    return lot;
  }

  async #commit(lot: readonly Waiting[]): Promise<MetricOutcome[]> {
    const { store } = this.#options;
    const roomy: Roomy = new Map();
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const { writes, outcomes } = await this.#plan(lot, roomy);
      if (writes.length > 0 && !(await writeIfHolds(store, writes))) continue;
      for (const outcome of outcomes) {
        if (outcome === 'taken') this.counters.taken += 1;
        else if (outcome === 'full') this.counters.refused += 1;
      }
      return outcomes;
    }
    throw metricError('METRIC_CONTENDED', `the series of some metrics changed ${ATTEMPTS} times meanwhile`);
  }

  async #plan(
    lot: readonly Waiting[],
    roomy: Roomy,
  ): Promise<{ writes: Write[]; outcomes: MetricOutcome[] }> {
    const { clock } = this.#options;
    const now = clock.now();
    const drafts = new Map<string, Draft | 'refused'>();
    const seen = new SeenNumbers(this.#options);
    const outcomes: MetricOutcome[] = [];
    for (const [index, { identity, set }] of lot.entries()) {
      if (index > 0 && index % AT_A_TIME === 0) await turn();
      if (set.n !== undefined && (await seen.isSeen(identity, set.n))) {
        outcomes.push('seen');
        continue;
      }
      let isTaken = false;
      const { metric, namespace } = set;
      for (const dimensions of set.dimensions) {
        const series = { accountId: identity.accountId, metric, dimensions };
        const name = namespace === undefined ? series : { ...series, namespace };
        const { sk, pk } = seriesKey(name);
        const id = `${pk}\n${sk}`;
        const draft = drafts.get(id) ?? (await this.#draft(name, { identity, id, roomy }));
        drafts.set(id, draft);
        if (draft === 'refused') continue;
        draft.kept = withSamples(draft.kept, set.samples, now);
        draft.unit = set.unit ?? draft.unit;
        isTaken = true;
      }
      outcomes.push(isTaken ? 'taken' : 'full');
    }
    const writes = [...drafts.values()].flatMap((draft) =>
      draft === 'refused' ? [] : seriesWrites(draft.name, { ...draft, now }),
    );
    return { writes: [...writes, ...seen.writes()], outcomes };
  }

  async #draft(
    name: SeriesName,
    { identity, id, roomy }: { identity: SyncIdentity; id: string; roomy: Roomy },
  ): Promise<Draft | 'refused'> {
    const before = await readSeries(this.#options.store, name);
    if (!before) {
      const hasRoom = roomy.get(id) ?? (await this.#limits.takeRoom(identity));
      roomy.set(id, hasRoom);
      if (!hasRoom) return 'refused';
    }
    const { spans = [], last } = before ?? {};
    return { name, before, kept: { spans, last }, deviceId: identity.deviceId };
  }
}
