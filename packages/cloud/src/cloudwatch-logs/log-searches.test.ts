import { silentLogger } from '@ioto/runtime';
import { until } from '@ioto/testkit/until';
import { settle, VirtualClock } from '@ioto/testkit/virtual-clock';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { named } from '../aws-http/aws-words.ts';
import { HttpService } from '../http/http-service.ts';
import type { LogPage, LogStore } from '../ports/log-store.ts';
import { LOG_NAMES } from './errors.ts';
import { logRoutes } from './log-routes.ts';
import { LogSearches } from './log-searches.ts';
import { ACCOUNT, tool } from './logs-world.fixture.ts';
import { ReadEvents } from './read-events.ts';

/** Searches under way, each with what ends it. */
let running: ((page: LogPage) => void)[];
let http: HttpService;
let read: ReadEvents;

beforeEach(async () => {
  running = [];
  const store = { read: () => new Promise<LogPage>((resolve) => running.push(resolve)) };
  const searches = new LogSearches(store);
  const rights = { toRead: () => undefined } as never;
  read = new ReadEvents({ searches, rights, region: () => 'local' });
  const guards = { account: () => async () => undefined } as never;
  const capabilities = { searches, guards, store: store as unknown as LogStore, groups: {} as never };
  http = new HttpService({
    ...{ clock: new VirtualClock(), logger: silentLogger, root: [] },
    api: [(app) => logRoutes(app, capabilities)],
  });
  await http.start();
});
afterEach(() => http.stop());

const byAws = (accountId = ACCOUNT) =>
  named(LOG_NAMES, () => read.filter({ logGroupName: 'ioto' }, tool('user', accountId)));
const byApi = () =>
  http.app.inject({ method: 'POST', url: '/api/log/filter', payload: { accountId: ACCOUNT, group: 'ioto' } });

describe('the searches of an account', () => {
  it('are two at a time by all doors together, and do not keep another account waiting', async () => {
    const answers = [byAws(), byApi(), byApi()];
    await until('two searches', () => running.length === 2);
    const other = byAws('01BX5ZZKBKACTAV9WEVGEMMVRZ');
    await until('the search of the other account', () => running.length === 3);
    await settle();
    expect(running).toHaveLength(3);
    running[0]?.({ events: [] });
    await until('the third search of the first', () => running.length === 4);
    for (const end of running) end({ events: [] });
    await Promise.all([...answers, other]);
  });

  it('are refused when fifty wait already, by each door in its words', async () => {
    const waiting = Array.from({ length: 52 }, () => byAws());
    await settle();
    const refused = await byApi();
    expect([refused.statusCode, refused.json()]).toEqual([
      429,
      { code: 'TOO_MANY_AT_ONCE', error: expect.any(String), delay: 1 },
    ]);
    await expect(byAws()).rejects.toMatchObject({ code: 'ThrottlingException' });
    for (let n = 0; n < 52; n += 1) {
      await until('the next search', () => running.length > n);
      running[n]?.({ events: [] });
    }
    await Promise.all(waiting);
  });
});
