import { setImmediate } from 'node:timers/promises';
import type { Clock, Logger } from '@ioto/runtime';
import type { AwsCaller } from '../aws-http/aws-caller.ts';
import type { MetricIntake } from '../device-metrics/metric-intake.ts';
import type { MetricSet } from '../device-metrics/metric-message.ts';
import { isInFormat, metricsOfLine } from './emf.ts';
import { requireMetricRight } from './rights.ts';

/** Bytes of lines of an account that may wait to be read: what comes faster is kept as lines alone. */
const MOST_WAITING = 4 * 1024 * 1024;
/** Lines, samples (in each series that has them) and bytes of lines that are read before others have their turn: some milliseconds. */
const AT_A_TIME = { lines: 100, samples: 1000, bytes: 256 * 1024 };
/** Milliseconds until it is said again that they come too fast. */
const QUIET = 60_000;

export interface EmfReaderOptions {
  intake: Pick<MetricIntake, 'take'>;
  clock: Clock;
  logger: Logger;
  /** Bytes of lines of an account that may wait. */
  most?: number;
}

interface Waiting {
  caller: AwsCaller;
  message: string;
}

/** What waits of one account. */
interface Row {
  lines: Waiting[];
  bytes: number;
  /** What is left of a line that has more than its turn, and is in `lines` no longer. */
  rest?: { caller: AwsCaller; sets: Iterator<MetricSet> } | undefined;
  /** Some of its metrics are being stored: the next of its lines are read when that is done. */
  isStoring: boolean;
}

/**
 * Takes metrics out of log lines that were put (CloudWatch's embedded metric format), for who may set them. The lines are
 * durable by then, and whoever put them does not wait for this: what is under way when the cloud dies is in the lines alone.
 */
export class EmfReader {
  readonly #options: EmfReaderOptions;
  /** By account, the one whose turn it is first. */
  readonly #rows = new Map<string, Row>();
  #isBusy = false;
  /** When it was last said that they come too fast. */
  #said = Number.NEGATIVE_INFINITY;
  /** Sets that were stored, and sets or lines that were not: no room, no right, or too many at once. */
  readonly counters = { taken: 0, refused: 0 };

  constructor(options: EmfReaderOptions) {
    this.#options = options;
  }

  /** Never throws, and reads the lines later. */
  readonly linesPut = (put: { caller: AwsCaller; events: readonly { message: string }[] }): void => {
    const { most = MOST_WAITING } = this.#options;
    const { caller, events } = put;
    const row = this.#rows.get(caller.accountId) ?? { lines: [], bytes: 0, isStoring: false };
    for (const { message } of events) {
      if (!isInFormat(message)) continue;
      if (row.bytes + message.length > most) this.#tooFast(caller.accountId);
      else {
        row.bytes += message.length;
        row.lines.push({ caller, message });
      }
    }
    if (row.lines.length === 0) return;
    this.#rows.set(caller.accountId, row);
    void this.#work();
  };

  /** Reads some lines of one account after the other. */
  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let next = this.#next(); next; next = this.#next()) {
      // Whoever put them is answered first, and others have their turn.
      await setImmediate();
      void this.#read(...next);
    }
    this.#isBusy = false;
  }

  #next(): [accountId: string, row: Row] | undefined {
    for (const entry of this.#rows) if (!entry[1].isStoring) return entry;
    return undefined;
  }

  async #read(accountId: string, row: Row): Promise<void> {
    row.isStoring = true;
    // Behind all others.
    this.#rows.delete(accountId);
    this.#rows.set(accountId, row);
    const taking: Promise<void>[] = [];
    let lines = 0;
    let bytes = 0;
    let samples = 0;
    while (samples < AT_A_TIME.samples) {
      if (!row.rest) {
        const line = row.lines[lines];
        if (!line || lines >= AT_A_TIME.lines || bytes >= AT_A_TIME.bytes) break;
        lines += 1;
        bytes += line.message.length;
        row.rest = { caller: line.caller, sets: metricsOfLine(line.message, this.#options.clock.now()) };
      }
      const { value: set, done } = row.rest.sets.next();
      if (done) row.rest = undefined;
      else {
        taking.push(this.#take(row.rest.caller, set));
        samples += set.dimensions.length * Math.max(1, set.samples.count);
      }
    }
    row.lines.splice(0, lines);
    row.bytes -= bytes;
    await Promise.all(taking);
    row.isStoring = false;
    if (row.lines.length === 0 && !row.rest) this.#rows.delete(accountId);
    else void this.#work();
  }

  async #take(caller: AwsCaller, set: MetricSet): Promise<void> {
    const { intake, logger } = this.#options;
    const { accountId } = caller;
    const deviceId = caller.kind === 'device' ? caller.deviceId : '';
    try {
      requireMetricRight(caller, 'write', set.dimensions);
      const outcome = await intake.take({ accountId, deviceId }, set);
      this.counters[outcome === 'taken' ? 'taken' : 'refused'] += 1;
    } catch (error) {
      this.counters.refused += 1;
      logger.debug({ accountId, deviceId, why: String(error) }, 'metric of a log line dropped');
    }
  }

  #tooFast(accountId: string): void {
    const { clock, logger } = this.#options;
    this.counters.refused += 1;
    if (clock.now() - this.#said < QUIET) return;
    this.#said = clock.now();
    logger.warn({ accountId }, 'metrics of log lines come faster than they can be stored: some are dropped');
  }
}
