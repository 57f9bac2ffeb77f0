import { deadlineOf } from '@ioto/protocol';
import { type Clock, type Logger, Recurring } from '@ioto/runtime';
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
export function jobTimeouts({ store, deviceJobs, clock, logger }: JobTimeoutsOptions): Recurring {
  return new Recurring({
    name: 'timeouts of jobs',
    ...{ every: EVERY, clock, logger },
    failure: 'cannot end jobs whose time is over',
    async turn(isStopping) {
      const now = seconds(clock.now());
      const isOver = (execution: Parameters<typeof deadlineOf>[0]) =>
        (deadlineOf(execution) ?? Number.POSITIVE_INFINITY) <= now;
      for (;;) {
        const { items } = await store.query(TIMEOUTS, { limit: LOT });
        const over = items.filter(({ sk }) => sk < timeoutBound(now));
        for (const { pk, sk, of } of over) {
          if (isStopping()) return;
          await deviceJobs.end(of as ExecutionName, { status: 'TIMED_OUT' }, isOver);
          // Of one that was given more time meanwhile, there is another entry.
          await store.write([{ remove: { pk, sk } }]);
        }
        if (over.length < LOT) return;
      }
    },
  });
}
