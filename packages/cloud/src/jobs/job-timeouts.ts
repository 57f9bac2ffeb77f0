import { deadlineOf } from '@ioto/protocol';
import { type Clock, type Component, type Logger, messageOf } from '@ioto/runtime';
import type { ItemStore } from '../ports/item-store.ts';
import { type DeviceJobs, seconds } from './device-jobs.ts';
import { type ExecutionName, TIMEOUTS, timeoutBound } from './job-records.ts';

/** Milliseconds between two looks; timers count minutes. */
const EVERY = 10_000;
const LOT = 500;

export interface JobTimeoutsOptions {
  store: Pick<ItemStore, 'query' | 'write'>;
  deviceJobs: Pick<DeviceJobs, 'end'>;
  clock: Clock;
  logger: Logger;
}

/** Ends executions whose time is over. */
export class JobTimeouts implements Component {
  readonly name = 'timeouts of jobs';
  readonly #options: JobTimeoutsOptions;
  #cancel: (() => void) | undefined;
  #looking: Promise<void> = Promise.resolve();
  #isRunning = false;

  constructor(options: JobTimeoutsOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#isRunning = true;
    this.#arm();
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#cancel?.();
    await this.#looking;
  }

  #arm(): void {
    const { clock, logger } = this.#options;
    if (!this.#isRunning) return;
    const look = () => {
      this.#looking = this.#look()
        .catch((error) => logger.error({ error: messageOf(error) }, 'cannot end jobs whose time is over'))
        .then(() => this.#arm());
    };
    this.#cancel = clock.after(EVERY, look, { unref: true });
  }

  async #look(): Promise<void> {
    const { store, deviceJobs, clock } = this.#options;
    const now = seconds(clock.now());
    for (;;) {
      const { items } = await store.query(TIMEOUTS, { limit: LOT });
      const over = items.filter(({ sk }) => sk < timeoutBound(now));
      for (const { pk, sk, of } of over) {
        if (!this.#isRunning) return;
        const isOver = (execution: Parameters<typeof deadlineOf>[0]) =>
          (deadlineOf(execution) ?? Number.POSITIVE_INFINITY) <= now;
        await deviceJobs.end(of as ExecutionName, { status: 'TIMED_OUT' }, isOver);
        // Of one that was given more time meanwhile, there is another entry.
        await store.write([{ remove: { pk, sk } }]);
      }
      if (over.length < LOT) return;
    }
  }
}
