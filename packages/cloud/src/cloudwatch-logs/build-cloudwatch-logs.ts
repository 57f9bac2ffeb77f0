import { nodeFiles } from '@ioto/database';
import type { AwsService, AwsServiceParts } from '../aws-services.ts';
import { EmfReader } from '../cloudwatch-metrics/emf-reader.ts';
import { TokenBuckets } from '../limits/token-bucket.ts';
import { EmbeddedLogStore } from '../platform/embedded/log-store/log-store.ts';
import { Groups } from './groups.ts';
import { LiveTail } from './live-tail.ts';
import { LogRights } from './log-rights.ts';
import { logRoutes } from './log-routes.ts';
import { LogSearches } from './log-searches.ts';
import { logsTarget } from './operations.ts';
import { type LogListener, PutLogEvents } from './put-log-events.ts';
import { ReadEvents } from './read-events.ts';

/** Bytes that an account may put, by the burst and the milliseconds that give a burst back. */
const PUT_RATE = { burst: 64 * 1024 * 1024, period: 2000 };

export function buildCloudWatchLogs(parts: AwsServiceParts): AwsService {
  const { store: items, audit, accounts, guards, place, clock, logger } = parts;
  const region = () => place().region;
  const store = new EmbeddedLogStore({
    ...{
      directory: parts.file('logs'),
      files: nodeFiles,
      store: items,
      clock,
      logger,
      quota: parts.logQuota,
    },
  });
  const rights = new LogRights({ accounts, region });
  const groups = new Groups({ store, rights, audit, region });
  /** Who else wants to see what is put. */
  const listeners: readonly LogListener[] = [
    new EmfReader({ intake: parts.metrics, clock, logger }).linesPut,
  ];
  const put = new PutLogEvents({
    ...{ store, rights, listeners, clock },
    rate: new TokenBuckets({ clock, rule: PUT_RATE }),
  });
  const searches = new LogSearches(store);
  const read = new ReadEvents({ searches, rights, region });
  const tail = new LiveTail({ store, rights, region, clock });
  return {
    targets: [logsTarget({ groups, put, read, tail })],
    api: [(app) => logRoutes(app, { store, searches, groups, guards })],
    components: [store, { name: 'live tail', start: async () => undefined, stop: async () => tail.stop() }],
  };
}
