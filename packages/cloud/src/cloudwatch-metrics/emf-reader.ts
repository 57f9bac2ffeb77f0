import { setImmediate } from 'node:timers/promises';
import type { Clock, Logger } from '@ioto/runtime';
import type { AwsCaller } from '../aws-http/aws-caller.ts';
import type { MetricIntake } from '../device-metrics/metric-intake.ts';
import type { MetricSet } from '../device-metrics/metric-message.ts';
import { isInFormat, metricsOfLine } from './emf.ts';
import { requireMetricRight } from './rights.ts';

/** Bytes of lines of all accounts that may wait to be read: what comes faster is kept as lines alone. */
const MOST_WAITING = 16 * 1024 * 1024;
/** Lines, and sets, that are taken before others have their turn: some milliseconds. */
const AT_A_TIME = { lines: 100, sets: 500 };
/** Milliseconds until it is said again that they come too fast. */
const QUIET = 60_000;

export interface EmfReaderOptions {
  intake: Pick<MetricIntake, 'take'>;
  clock: Clock;
  logger: Logger;
  /** Bytes of lines that may wait. */
  most?: number;
}

interface Waiting {
  caller: AwsCaller;
  message: string;
}

/**
 * Takes metrics out of log lines that were put (CloudWatch's embedded metric format), for who may set them. The lines are
 * durable by then, and whoever put them does not wait for this: what is under way when the cloud dies is in the lines alone.
 */
export class EmfReader {
  readonly #options: EmfReaderOptions;
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
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
    for (const { message } of put.events) {
      if (!isInFormat(message)) continue;
      if (this.#bytes + message.length > most) this.#tooFast(put.caller.accountId);
      else {
        this.#bytes += message.length;
        this.#waiting.push({ caller: put.caller, message });
      }
    }
    if (!this.#isBusy && this.#waiting.length > 0) void this.#work();
  };

  async #work(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      // Whoever put them is answered first, and others have their turn.
      await setImmediate();
      const taking: Promise<void>[] = [];
      let lines = 0;
      while (lines < AT_A_TIME.lines && lines < this.#waiting.length && taking.length < AT_A_TIME.sets) {
        const { caller, message } = this.#waiting[lines] as Waiting;
        for (const set of metricsOfLine(message, this.#options.clock.now())) {
          taking.push(this.#take(caller, set));
        }
        this.#bytes -= message.length;
        lines += 1;
      }
      this.#waiting.splice(0, lines);
      await Promise.all(taking);
    }
    this.#isBusy = false;
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
