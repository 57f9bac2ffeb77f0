import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { indexKey, taskKey } from './job-records.ts';
import { ACCOUNT, JobsWorld } from './jobs-world.fixture.ts';

const MINUTE = 60_000;
let world: JobsWorld;
beforeEach(async () => {
  world = await JobsWorld.create({ D1: 'lamp', D2: 'lamp', D3: 'door' });
});
afterEach(() => world[Symbol.asyncDispose]());

const code = (value: string, status: number) => expect.objectContaining({ code: value, status });
const rejected = (value: string, more: object = {}) => ({ outcome: 'rejected', code: value, ...more });
const counts = async (jobId: string) => (await world.desk.get(ACCOUNT, jobId)).counts;

describe('a job', () => {
  it('goes to the devices that are named, of a product, or all of the account', async () => {
    await world.create({ jobId: 'named', targets: { devices: ['D3'] } });
    await world.create({ jobId: 'lamps', targets: { product: 'lamp' } });
    await world.create({ jobId: 'all' });
    expect(await world.statuses('named')).toEqual({ D3: 'QUEUED' });
    expect(await world.statuses('lamps')).toEqual({ D1: 'QUEUED', D2: 'QUEUED' });
    expect(await counts('all')).toEqual({ QUEUED: 3 });
    const { items } = await world.desk.find(ACCOUNT);
    expect(items.map(({ jobId, status }) => [jobId, status])).toEqual([
      ['all', 'IN_PROGRESS'],
      ['lamps', 'IN_PROGRESS'],
      ['named', 'IN_PROGRESS'],
    ]);
    const { entries } = await world.audit.find({ accountId: ACCOUNT });
    expect(entries[0]).toMatchObject({ action: 'job.created', actor: 'user:U', details: { jobId: 'all' } });
  });

  it('is over when every device has ended it', async () => {
    await world.create({ jobId: 'j', targets: { product: 'lamp' } });
    await world.ask('j/update', { status: 'SUCCEEDED' });
    expect(await world.desk.get(ACCOUNT, 'j')).toMatchObject({ status: 'IN_PROGRESS' });
    await world.ask('j/update', { status: 'FAILED', statusDetails: { why: 'dark' } }, 'D2');
    expect(await world.desk.get(ACCOUNT, 'j')).toMatchObject({
      status: 'COMPLETED',
      counts: { SUCCEEDED: 1, FAILED: 1 },
    });
    const { items } = await world.desk.executions(ACCOUNT, 'j');
    expect(items[1]).toMatchObject({ deviceId: 'D2', status: 'FAILED', statusDetails: { why: 'dark' } });
  });

  it('for nobody is over at once, and kept for a day; one that was done, for longer', async () => {
    const nobodys = await world.create({ targets: { product: 'chair' } });
    const days = (until = '') => (Date.parse(until) - world.clock.now()) / 86_400_000;
    expect([nobodys.status, days(nobodys.keepUntil)]).toEqual(['COMPLETED', 1]);
    await world.create({ jobId: 'j', targets: { devices: ['D1'] } });
    await world.ask('j/update', { status: 'SUCCEEDED' });
    expect(days((await world.desk.get(ACCOUNT, 'j')).keepUntil)).toBe(90);
  });

  it.each([
    ['a document that is not JSON', { document: '{' }, 'REQUEST_INVALID', 400, 'is not JSON'],
    ['a document that is no object', { document: '[1]' }, 'REQUEST_INVALID', 400, 'JSON object'],
    ['no document', { document: undefined }, 'REQUEST_INVALID', 400, 'JSON object'],
    ['a long document', { document: { long: 'x'.repeat(33_000) } }, 'REQUEST_INVALID', 400, '32 KB'],
    ['an ID that is none', { jobId: 'a b' }, 'REQUEST_INVALID', 400, 'letters'],
    ['a device of others', { targets: { devices: ['D1', 'X'] } }, 'DEVICE_UNKNOWN', 404, 'no device X'],
  ])('is refused for %s', async (_what, order, name, status, text) => {
    const refused = world.create(order as object);
    await expect(refused).rejects.toEqual(code(name, status));
    await expect(refused).rejects.toThrow(text);
    expect((await world.desk.find(ACCOUNT)).items).toEqual([]);
  });

  it('is refused under a name that is taken, beyond a thousand that are not over, and five thousand in all', async () => {
    await world.create({ jobId: 'j', targets: { devices: ['D1'] } });
    await expect(world.create({ jobId: 'j' })).rejects.toEqual(code('JOB_EXISTS', 409));
    await world.store.write(
      Array.from({ length: 999 }, (_, n) => ({ put: { ...indexKey(ACCOUNT, `k${n}`) } })),
    );
    await expect(world.create()).rejects.toEqual(code('JOB_LIMIT', 429));
    await world.ask('j/update', { status: 'SUCCEEDED' });
    await world.create();
    const keepUntil = '2030-01-01T00:00:00.000Z';
    await world.store.write(
      Array.from({ length: 4997 }, (_, n) => ({ put: { ...indexKey(ACCOUNT, `k${n}`), keepUntil } })),
    );
    await world.create();
    await expect(world.create()).rejects.toThrow('5000 jobs: remove some');
    await world.remove('j');
    await world.create();
  });

  it('is refused where an account makes many a minute, and told when to try again', async () => {
    for (let n = 0; n < 100; n += 1) await world.create({ targets: { product: 'chair' } });
    const refused = expect.objectContaining({ code: 'JOB_LIMIT', status: 429, retryAfter: 600 });
    await expect(world.create()).rejects.toEqual(refused);
    await world.clock.advance(600);
    await world.create();
  });

  it('is listed in pages that are not too large', async () => {
    const document = { long: 'x'.repeat(32_000) };
    for (let n = 100; n < 160; n += 1) {
      await world.create({ jobId: `j${n}`, document, targets: { product: 'chair' } });
    }
    const seen: string[] = [];
    let next: string | undefined;
    do {
      const page = await world.desk.find(ACCOUNT, { limit: 1000, next });
      expect(page.items.length).toBeLessThanOrEqual(50);
      seen.push(...page.items.map(({ jobId }) => jobId));
      next = page.next;
    } while (next !== undefined);
    expect(seen).toEqual(Array.from({ length: 60 }, (_, n) => `j${100 + n}`));
    expect((await world.desk.find(ACCOUNT, { limit: 2 })).items).toHaveLength(2);
  });

  it('is refused by a device for which a hundred wait', async () => {
    await world.create({ jobId: 'j0', targets: { devices: ['D1'] } });
    const others = Array.from({ length: 99 }, (_, n) => ({
      pk: `jobq#${ACCOUNT}#D1`,
      sk: `9${n}#k`,
      jobId: 'k',
    }));
    await world.store.write(others.map((put) => ({ put })));
    await world.create({ jobId: 'more', targets: { devices: ['D1', 'D2'] } });
    expect(await world.statuses('more')).toEqual({ D1: 'REJECTED', D2: 'QUEUED' });
    await world.ask('j0/update', { status: 'SUCCEEDED' });
    await world.create({ jobId: 'fits', targets: { devices: ['D1'] } });
    expect(await world.statuses('fits')).toEqual({ D1: 'QUEUED' });
  });

  it('that was cut short while it was handed out goes on after a restart', async () => {
    await world.create({ jobId: 'j' });
    // As a crash would leave it: one device has it, the task is not done.
    const job = await world.desk.get(ACCOUNT, 'j');
    const task = { accountId: ACCOUNT, jobId: 'j', life: job.life, task: 'spread' } as const;
    await world.store.write([
      { put: { pk: `job#${ACCOUNT}`, sk: 'j', ...job, counts: { QUEUED: 1 }, spreading: true } },
      { put: { ...taskKey(task), ...task } },
      ...['D2', 'D3'].map((sk) => ({ remove: { pk: `jobx#${ACCOUNT}#j`, sk } })),
    ]);
    await world.restart();
    await expect.poll(() => counts('j')).toEqual({ QUEUED: 3 });
    await expect.poll(async () => (await world.desk.get(ACCOUNT, 'j')).spreading).toBeUndefined();
    expect((await world.store.query('jobtask#')).items).toEqual([]);
  });
});

describe('a device', () => {
  beforeEach(async () => {
    await world.create({ jobId: 'one', document: { n: 1 }, targets: { devices: ['D1'] } });
    await world.clock.advance(1000);
    await world.create({ jobId: 'two', document: { n: 2 }, targets: { devices: ['D1'] } });
  });

  it('is told what waits, and begins it in that order', async () => {
    expect(await world.ask('get', { clientToken: 't' })).toMatchObject({
      ...{ outcome: 'accepted', clientToken: 't', timestamp: expect.any(Number), inProgressJobs: [] },
      queuedJobs: [{ jobId: 'one', executionNumber: 1, versionNumber: 1 }, { jobId: 'two' }],
    });
    const started = await world.ask('start-next', { statusDetails: { step: '1' } });
    const execution = { jobId: 'one', thingName: 'D1', status: 'IN_PROGRESS', versionNumber: 2 };
    expect(started.execution).toMatchObject({
      ...execution,
      jobDocument: { n: 1 },
      statusDetails: { step: '1' },
    });
    // Once begun, it stays next.
    const again = await world.ask('start-next', { statusDetails: { step: '2' } });
    expect(again.execution).toEqual(started.execution);
    expect(await world.ask('$next/get')).toMatchObject({ execution: started.execution });
    expect(await world.ask('get')).toMatchObject({ inProgressJobs: [{ jobId: 'one' }], queuedJobs: [{}] });
  });

  it('reports how it goes, up to the end', async () => {
    await world.ask('start-next');
    const progress = { status: 'IN_PROGRESS', statusDetails: { done: '50' }, expectedVersion: 2 };
    expect(await world.ask('one/update', { ...progress, includeJobExecutionState: true })).toMatchObject({
      executionState: { status: 'IN_PROGRESS', statusDetails: { done: '50' }, versionNumber: 3 },
    });
    const end = { status: 'SUCCEEDED', includeJobDocument: true };
    expect(await world.ask('one/update', end)).toMatchObject({ jobDocument: { n: 1 } });
    expect(await world.ask('$next/get')).toMatchObject({ execution: { jobId: 'two', status: 'QUEUED' } });
    await world.ask('two/update', { status: 'REJECTED' });
    const nothing = await world.ask('start-next');
    expect([nothing.outcome, 'execution' in nothing]).toEqual(['accepted', false]);
  });

  it('is told why a question is rejected, by its token', async () => {
    await world.ask('start-next');
    await world.ask('one/update', { status: 'SUCCEEDED' });
    const state = { executionState: { status: 'SUCCEEDED', versionNumber: 3 } };
    const clientToken = 't';
    const ask = (path: string, body: object) => world.ask(path, { clientToken, ...body });
    expect(await ask('one/update', { status: 'IN_PROGRESS' })).toMatchObject(
      rejected('InvalidStateTransition', { ...state, clientToken }),
    );
    expect(await ask('one/get', {})).toMatchObject(rejected('TerminalStateReached', state));
    expect(await ask('two/update', { status: 'FAILED', expectedVersion: 7 })).toMatchObject(
      rejected('VersionMismatch', { executionState: { status: 'QUEUED', versionNumber: 1 } }),
    );
    expect(await ask('none/get', {})).toMatchObject(rejected('ResourceNotFound'));
    expect(await ask('none/update', { status: 'FAILED' })).toMatchObject(rejected('ResourceNotFound'));
    expect(await ask('two/get', { executionNumber: 2 })).toMatchObject(rejected('ResourceNotFound'));
    expect(await ask('two/update', {})).toMatchObject(rejected('InvalidRequest', { clientToken }));
    expect(await ask('two/update', { status: 'CANCELED' })).toMatchObject(
      rejected('InvalidRequest', { clientToken }),
    );
    expect(await ask('two/remove', {})).toMatchObject(rejected('InvalidTopic', { clientToken }));
    expect(await world.ask('get', '{')).toMatchObject(rejected('InvalidJson'));
  });

  it('that asks endlessly is throttled, and others are not', async () => {
    for (let n = 0; n < 100; n += 1) await world.ask('get');
    expect(await world.ask('get')).toMatchObject(rejected('RequestThrottled'));
    expect(await world.ask('get', {}, 'D2')).toMatchObject({ outcome: 'accepted' });
    await world.clock.advance(10_000);
    expect(await world.ask('get')).toMatchObject({ outcome: 'accepted' });
  });

  it('sees nothing of the jobs of another', async () => {
    expect(await world.ask('get', {}, 'D2')).toMatchObject({ queuedJobs: [] });
    expect(await world.ask('one/get', {}, 'D2')).toMatchObject(rejected('ResourceNotFound'));
    expect(await world.ask('one/update', { status: 'FAILED' }, 'D2')).toMatchObject(
      rejected('ResourceNotFound'),
    );
  });

  it('is notified when what waits has changed, and when another is next', async () => {
    expect(world.told()).toEqual({
      notices: [
        { QUEUED: [expect.objectContaining({ jobId: 'one' })] },
        { QUEUED: [expect.objectContaining({ jobId: 'one' }), expect.objectContaining({ jobId: 'two' })] },
      ],
      next: ['one'],
    });
    await world.ask('start-next');
    expect(world.told()).toMatchObject({
      notices: [{ IN_PROGRESS: [{ jobId: 'one' }], QUEUED: [{}] }],
      next: [],
    });
    await world.ask('one/update', { status: 'IN_PROGRESS', statusDetails: { done: '1' } });
    expect(world.told()).toEqual({ notices: [], next: [] });
    // Begun, it goes before the one that waits longer.
    await world.ask('one/update', { status: 'SUCCEEDED' });
    expect(world.told()).toMatchObject({ notices: [{ QUEUED: [{ jobId: 'two' }] }], next: ['two'] });
    await world.cancel('two');
    expect(world.told()).toEqual({ notices: [{}], next: [undefined] });
  });

  it('that is released loses what waits, and its next owner gets none of it', async () => {
    await world.ask('start-next');
    await world.deviceJobs.leave({ accountId: ACCOUNT, deviceId: 'D1' });
    await world.deviceJobs.leave({ accountId: ACCOUNT, deviceId: 'D1' });
    expect(await world.ask('get')).toMatchObject({ inProgressJobs: [], queuedJobs: [] });
    expect(await world.statuses('one')).toEqual({ D1: 'REMOVED' });
    expect(await counts('two')).toEqual({ REMOVED: 1 });
  });
});

describe('an execution', () => {
  it('times out when the job gives it no more time, and its device is told', async () => {
    await world.create({ jobId: 'j', targets: { devices: ['D1'] }, timeoutMinutes: 5 });
    await world.clock.advance(10 * MINUTE);
    // Waiting is no progress.
    expect(await world.statuses('j')).toEqual({ D1: 'QUEUED' });
    await world.ask('start-next');
    world.told();
    await world.clock.advance(4 * MINUTE);
    expect(await world.statuses('j')).toEqual({ D1: 'IN_PROGRESS' });
    await world.clock.advance(2 * MINUTE);
    await expect.poll(() => world.statuses('j')).toEqual({ D1: 'TIMED_OUT' });
    await expect.poll(() => world.told()).toEqual({ notices: [{}], next: [undefined] });
    expect((await world.store.query('jobtimeout#')).items).toEqual([]);
  });

  it('has the time of a step that its device names, anew with each', async () => {
    await world.create({ jobId: 'j', targets: { devices: ['D1'] } });
    await world.ask('start-next', { stepTimeoutInMinutes: 2 });
    await world.clock.advance(MINUTE);
    await world.ask('j/update', { status: 'IN_PROGRESS', stepTimeoutInMinutes: 2 });
    await world.clock.advance(1.5 * MINUTE);
    expect(await world.statuses('j')).toEqual({ D1: 'IN_PROGRESS' });
    await world.ask('j/update', { status: 'IN_PROGRESS', stepTimeoutInMinutes: -1 });
    await world.clock.advance(5 * MINUTE);
    expect(await world.statuses('j')).toEqual({ D1: 'IN_PROGRESS' });
    await world.ask('j/update', { status: 'IN_PROGRESS', stepTimeoutInMinutes: 1 });
    await world.restart();
    await world.clock.advance(2 * MINUTE);
    await expect.poll(() => world.statuses('j')).toEqual({ D1: 'TIMED_OUT' });
  });
});

describe('the owner', () => {
  it('cancels what waits, and what is in progress by force', async () => {
    await world.create({ jobId: 'j', targets: { product: 'lamp' } });
    await world.ask('start-next');
    expect(await world.cancel('j')).toMatchObject({ status: 'CANCELED' });
    expect(await world.statuses('j')).toEqual({ D1: 'IN_PROGRESS', D2: 'CANCELED' });
    await expect(world.remove('j')).rejects.toEqual(code('JOB_ACTIVE', 409));
    expect(await world.ask('j/update', { status: 'IN_PROGRESS' })).toMatchObject({ outcome: 'accepted' });
    await world.cancel('j', true);
    expect(await world.statuses('j')).toEqual({ D1: 'CANCELED', D2: 'CANCELED' });
    expect(await world.ask('j/update', { status: 'SUCCEEDED' })).toMatchObject(
      rejected('InvalidStateTransition', { executionState: { status: 'CANCELED' } }),
    );
    await world.remove('j');
    await expect(world.desk.get(ACCOUNT, 'j')).rejects.toEqual(code('JOB_UNKNOWN', 404));
    await expect(world.cancel('j')).rejects.toEqual(code('JOB_UNKNOWN', 404));
  });

  it('removes a job by force from the devices that have it', async () => {
    await world.create({ jobId: 'j', targets: { devices: ['D1'] } });
    await world.ask('start-next');
    world.told();
    await world.remove('j', true);
    expect(world.told()).toEqual({ notices: [{}], next: [undefined] });
    expect(await world.ask('j/update', { status: 'SUCCEEDED' })).toMatchObject(rejected('ResourceNotFound'));
    expect((await world.store.query(`jobx#${ACCOUNT}#j`)).items).toEqual([]);
    expect((await world.store.query(`jobq#${ACCOUNT}#D1`)).items).toEqual([]);
    expect((await world.store.query(`jobindex#${ACCOUNT}`)).items).toEqual([]);
    await world.create({ jobId: 'j', targets: { devices: ['D1'] } });
    expect(await world.statuses('j')).toEqual({ D1: 'QUEUED' });
  });

  it('cannot cancel what is over', async () => {
    await world.create({ jobId: 'j', targets: { devices: ['D1'] } });
    await world.ask('j/update', { status: 'SUCCEEDED' });
    await expect(world.cancel('j')).rejects.toEqual(code('JOB_ACTIVE', 409));
    await world.remove('j');
  });
});
