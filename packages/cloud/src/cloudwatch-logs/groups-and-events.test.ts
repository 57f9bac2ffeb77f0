import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KEEP_ALL, LOSE_ALL } from '../../../database/src/journal/simulated-disk.fixture.ts';
import { ACCOUNT, LogsWorld, tool } from './logs-world.fixture.ts';

const DAY = 86_400_000;

let world: LogsWorld;
beforeEach(async () => {
  world = await LogsWorld.create({ groups: 3, streams: 3 });
});
afterEach(() => world[Symbol.asyncDispose]());

const place = { logGroupName: 'ioto', logStreamName: 'LAMP' };
const put = (logEvents: object[], logStreamName = 'LAMP') =>
  world.call('PutLogEvents', { ...place, logStreamName, logEvents });
const code = async (...question: Parameters<LogsWorld['refusal']>) => (await world.refusal(...question))[0];
const textsOf = (answer: Record<string, unknown>) =>
  (answer.events as { message: string }[]).map(({ message }) => message);
const groupNames = async (input: object = {}) => {
  const { logGroups } = await world.call('DescribeLogGroups', input);
  return (logGroups as { logGroupName: string }[]).map(({ logGroupName }) => logGroupName);
};

describe('log groups', () => {
  it('are made once, listed by page and prefix and pattern, and limited in number', async () => {
    for (const logGroupName of ['a/one', 'a/two', 'b/One'])
      await world.call('CreateLogGroup', { logGroupName });
    expect(await code('CreateLogGroup', { logGroupName: 'a/one' })).toBe('ResourceAlreadyExistsException');
    expect(await world.refusal('CreateLogGroup', { logGroupName: 'c' })).toEqual([
      'LimitExceededException',
      'Resource limit exceeded: an account may have 3 log groups.',
    ]);
    expect(await groupNames({ logGroupNamePrefix: 'a/' })).toEqual(['a/one', 'a/two']);
    expect(await groupNames({ logGroupNamePattern: 'one' })).toEqual(['a/one', 'b/One']);
    const first = await world.call('DescribeLogGroups', { limit: 2 });
    expect(first.logGroups).toMatchObject([
      { logGroupName: 'a/one', arn: `arn:aws:logs:local:${ACCOUNT}:log-group:a/one:*`, storedBytes: 0 },
      { logGroupName: 'a/two', creationTime: world.clock.now() },
    ]);
    expect(await groupNames({ limit: 2, nextToken: first.nextToken })).toEqual(['b/One']);
  });

  it.each([
    ['CreateLogGroup', {}, "Value null at 'logGroupName'"],
    ['CreateLogGroup', { logGroupName: 'a b' }, 'regular expression pattern'],
    ['CreateLogGroup', { logGroupName: 'x'.repeat(513) }, 'less than or equal to 512'],
    ['CreateLogGroup', { logGroupName: 'x', kmsKeyId: 'k' }, 'kmsKeyId'],
    ['CreateLogGroup', { logGroupName: 'x', logGroupClass: 'DELIVERY' }, 'logGroupClass'],
    ['CreateLogStream', { logGroupName: 'x', logStreamName: 'a:b' }, 'regular expression pattern'],
    ['CreateLogStream', { logGroupName: 'x', logStreamName: 'q\ud800' }, 'whole characters'],
    ['PutRetentionPolicy', { logGroupName: 'x', retentionInDays: 2 }, 'enum value set'],
    ['PutRetentionPolicy', { logGroupName: 'x' }, "Value null at 'retentionInDays'"],
    ['DescribeLogGroups', { limit: 51 }, 'less than or equal to 50'],
    ['DescribeLogGroups', { logGroupNamePrefix: 'a', logGroupNamePattern: 'b' }, 'cannot be given both'],
    ['DescribeLogStreams', { logGroupName: 'x', orderBy: 'Size' }, 'enum value set'],
    [
      'DescribeLogStreams',
      { logGroupName: 'x', orderBy: 'LastEventTime', logStreamNamePrefix: 'a' },
      'Cannot order',
    ],
    ['GetLogEvents', { ...place, nextToken: 'x' }, 'nextToken is invalid'],
    ['FilterLogEvents', { logGroupName: 'x', logGroupIdentifier: 'x' }, 'cannot be given both'],
    [
      'FilterLogEvents',
      { logGroupName: 'x', logStreamNames: ['a'], logStreamNamePrefix: 'a' },
      'cannot be given both',
    ],
    ['FilterLogEvents', { logGroupName: 'x', startTime: 5, endTime: 4 }, 'endTime'],
    ['FilterLogEvents', { logGroupName: 'x', filterPattern: '{ $.a }' }, 'Invalid filter pattern'],
    ['StartLiveTail', {}, "Value null at 'logGroupIdentifiers'"],
    ['StartLiveTail', { logGroupIdentifiers: ['a', 'b'], logStreamNames: ['x'] }, 'one log group only'],
  ])('refuse %s of %j', async (operation, input, words) => {
    const [was, message] = await world.refusal(operation, input);
    expect([was, message]).toEqual(['InvalidParameterException', expect.stringContaining(words)]);
  });

  it('go with their events, for good, and with a record of who removed them', async () => {
    await world.stream();
    await put(world.events('secret'));
    await world.call('DeleteLogGroup', place, tool('admin'));
    expect(await code('DeleteLogGroup', place)).toBe('ResourceNotFoundException');
    expect(world.disk.paths()).toEqual([]);
    const { items } = await world.items.query(`audit#${ACCOUNT}`);
    expect(items).toMatchObject([
      { action: 'log-group.removed', actor: 'admin', details: { group: 'ioto' } },
    ]);
    await world.stream();
    expect(textsOf(await world.call('FilterLogEvents', place))).toEqual([]);
  });

  it('leave nothing behind when the power fails while they are removed', async () => {
    await world.stream();
    await put(world.events('secret'));
    world.disk.fault = (operation) => (operation === 'remove' ? { code: 'EIO' } : undefined);
    await expect(world.call('DeleteLogGroup', place)).rejects.toThrow();
    await world.crash(KEEP_ALL);
    expect(world.disk.paths()).toEqual([]);
    expect(await groupNames()).toEqual([]);
  });
});

describe('log streams', () => {
  it('are made once and limited in number', async () => {
    await world.stream();
    expect(await code('CreateLogStream', place)).toBe('ResourceAlreadyExistsException');
    expect(await code('CreateLogStream', { ...place, logGroupName: 'none' })).toBe(
      'ResourceNotFoundException',
    );
    for (const logStreamName of ['B', 'C']) await world.call('CreateLogStream', { ...place, logStreamName });
    expect(await code('CreateLogStream', { ...place, logStreamName: 'D' })).toBe('LimitExceededException');
  });

  it('are listed as they are, whichever came or went since the list before', async () => {
    await world.stream();
    const names = async () => {
      const { logStreams } = await world.call('DescribeLogStreams', { logGroupName: 'ioto' });
      return (logStreams as { logStreamName: string }[]).map(({ logStreamName }) => logStreamName);
    };
    expect(await names()).toEqual(['LAMP']);
    await world.call('CreateLogStream', { ...place, logStreamName: 'B' });
    expect(await names()).toEqual(['B', 'LAMP']);
    await world.call('DeleteLogStream', place);
    expect(await names()).toEqual(['B']);
  });

  it('are listed by name or by their last events, also after a power cut', async () => {
    await world.stream();
    for (const logStreamName of ['B', 'C']) await world.call('CreateLogStream', { ...place, logStreamName });
    await put([{ timestamp: world.clock.now(), message: 'x' }], 'B');
    await put([{ timestamp: world.clock.now() - 5, message: 'x' }], 'C');
    await world.crash(LOSE_ALL);
    const list = async (more: object) => {
      const { logStreams, nextToken } = await world.call('DescribeLogStreams', {
        logGroupName: 'ioto',
        ...more,
      });
      const names = (logStreams as { logStreamName: string }[]).map(({ logStreamName }) => logStreamName);
      return { names, logStreams, nextToken };
    };
    expect((await list({})).names).toEqual(['B', 'C', 'LAMP']);
    expect((await list({ orderBy: 'LastEventTime', descending: true })).names).toEqual(['B', 'C', 'LAMP']);
    expect((await list({ logStreamNamePrefix: 'L' })).names).toEqual(['LAMP']);
    const first = await list({ limit: 2 });
    expect((await list({ limit: 2, nextToken: first.nextToken })).names).toEqual(['LAMP']);
    const now = world.clock.now();
    expect(first.logStreams).toMatchObject([
      { lastEventTimestamp: now, firstEventTimestamp: now, lastIngestionTime: now, storedBytes: 0 },
      { lastEventTimestamp: now - 5 },
    ]);
  });

  it('hide their events once they are deleted, also from a stream of the same name', async () => {
    await world.stream();
    await world.call('CreateLogStream', { ...place, logStreamName: 'B' });
    await put(world.events('old'));
    await put(world.events('of B'), 'B');
    await world.call('DeleteLogStream', place);
    expect(await code('GetLogEvents', place)).toBe('ResourceNotFoundException');
    await world.call('CreateLogStream', place);
    await put(world.events('new'));
    expect(textsOf(await world.call('GetLogEvents', place))).toEqual(['new']);
    await world.crash(LOSE_ALL);
    expect(textsOf(await world.call('FilterLogEvents', { logGroupName: 'ioto' }))).toEqual(['of B', 'new']);
  });
});

describe('GetLogEvents', () => {
  it('begins with the latest, and goes back and forth by its tokens until the ends', async () => {
    await world.stream();
    await put(world.events('1', '2', '3', '4', '5'));
    const get = (more: object) => world.call('GetLogEvents', { ...place, limit: 2, ...more });
    const last = await get({});
    expect(textsOf(last)).toEqual(['4', '5']);
    const middle = await get({ nextToken: last.nextBackwardToken });
    expect(textsOf(middle)).toEqual(['2', '3']);
    expect(textsOf(await get({ nextToken: middle.nextForwardToken }))).toEqual(['4', '5']);
    const first = await get({ nextToken: middle.nextBackwardToken });
    expect(textsOf(first)).toEqual(['1']);
    const before = await get({ nextToken: first.nextBackwardToken });
    expect([textsOf(before), before.nextBackwardToken]).toEqual([[], first.nextBackwardToken]);
    const end = await get({ nextToken: last.nextForwardToken });
    expect([textsOf(end), end.nextForwardToken]).toEqual([[], last.nextForwardToken]);
    await put([{ timestamp: world.clock.now() + 1, message: '6' }]);
    expect(textsOf(await get({ nextToken: last.nextForwardToken }))).toEqual(['6']);
    expect(textsOf(await get({ startFromHead: true }))).toEqual(['1', '2']);
    const now = world.clock.now();
    expect(textsOf(await get({ startTime: now - 3, endTime: now, startFromHead: true }))).toEqual(['2', '3']);
  });

  it('has both tokens also where there is nothing yet', async () => {
    await world.stream();
    const { events, nextForwardToken } = await world.call('GetLogEvents', place);
    expect(events).toEqual([]);
    await put(world.events('first'));
    expect(textsOf(await world.call('GetLogEvents', { ...place, nextToken: nextForwardToken }))).toEqual([
      'first',
    ]);
  });
});

describe('FilterLogEvents', () => {
  it('tells events of all streams in the order of their times, page by page', async () => {
    await world.stream();
    await world.call('CreateLogStream', { ...place, logStreamName: 'B' });
    const now = world.clock.now();
    await put([1, 3].map((at) => ({ timestamp: now + at, message: `error ${at}` })));
    await put(
      [2, 4].map((at) => ({ timestamp: now + at, message: `error ${at}` })),
      'B',
    );
    const question = { logGroupName: 'ioto', filterPattern: 'error', limit: 3 };
    const first = await world.call('FilterLogEvents', question);
    expect(textsOf(first)).toEqual(['error 1', 'error 2', 'error 3']);
    const ids = (first.events as { eventId: string }[]).map(({ eventId }) => eventId);
    expect(new Set(ids).size).toBe(3);
    const rest = await world.call('FilterLogEvents', { ...question, nextToken: first.nextToken });
    expect([textsOf(rest), rest.nextToken]).toEqual([['error 4'], undefined]);
    const latest = await world.call('FilterLogEvents', { ...question, startFromHead: false });
    expect(textsOf(latest)).toEqual(['error 4', 'error 3', 'error 2']);
    // Here the end is part of the span.
    expect(textsOf(await world.call('FilterLogEvents', { ...question, endTime: now + 1 }))).toEqual([
      'error 1',
    ]);
    const unknown = { ...question, logStreamNames: ['none'] };
    expect(await code('FilterLogEvents', unknown)).toBe('ResourceNotFoundException');
  });

  it('shows nothing past its retention, and removes it from the disk in time', async () => {
    await world.stream();
    await put(world.events('old'));
    await world.clock.advance(2 * DAY);
    await put(world.events('new'));
    const find = async () => textsOf(await world.call('FilterLogEvents', { logGroupName: 'ioto' }));
    expect(await find()).toEqual(['old', 'new']);
    await world.call('PutRetentionPolicy', { logGroupName: 'ioto', retentionInDays: 1 });
    expect(await find()).toEqual(['new']);
    await world.call('DeleteRetentionPolicy', { logGroupName: 'ioto' });
    await world.clock.advance(2 * DAY);
    await put(world.events('newer'));
    await world.call('PutRetentionPolicy', { logGroupName: 'ioto', retentionInDays: 1 });
    await world.store.tidy();
    const bytes = Buffer.concat(world.disk.paths().map((path) => world.disk.content(path)));
    expect([await find(), bytes.includes('old')]).toEqual([['newer'], false]);
  });
});
