import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOSE_ALL } from '../../../database/src/journal/simulated-disk.fixture.ts';
import { device, LogsWorld, tool } from './logs-world.fixture.ts';

const HOUR = 3_600_000;

let world: LogsWorld;
let place: object;
beforeEach(async () => {
  world = await LogsWorld.create();
  place = await world.stream();
});
afterEach(() => world[Symbol.asyncDispose]());

const put = (logEvents: unknown, more: object = {}) =>
  world.call('PutLogEvents', { ...place, logEvents, ...more });
const refusal = (logEvents: unknown, more: object = {}) =>
  world.refusal('PutLogEvents', { ...place, logEvents, ...more });
const messages = async () => {
  const { events } = await world.call('FilterLogEvents', { logGroupName: 'ioto' });
  return (events as { message: string }[]).map(({ message }) => message);
};

describe('PutLogEvents', () => {
  it('has the events on disk when it answers, whatever token comes with them', async () => {
    const answer = await put(world.events('a', 'b'), { sequenceToken: 'of long ago' });
    expect(answer).toEqual({ nextSequenceToken: expect.any(String) });
    await world.crash(LOSE_ALL);
    expect(await messages()).toEqual(['a', 'b']);
  });

  it('tells listeners of what was put, and by whom', async () => {
    const events = world.events('metric');
    const lamp = device('LAMP');
    await world.call('PutLogEvents', { ...place, logEvents: events }, lamp);
    expect(world.heard).toEqual([{ caller: lamp, group: 'ioto', stream: 'LAMP', events }]);
  });

  it('leaves out what is too old, past its retention or ahead, and says where these end and begin', async () => {
    const now = world.clock.now();
    const at = (timestamp: number) => ({ timestamp, message: String(timestamp - now) });
    await world.call('PutRetentionPolicy', { logGroupName: 'ioto', retentionInDays: 3 });
    const old = await put([at(now - 14 * 24 * HOUR - 1), at(now - 14 * 24 * HOUR)]);
    expect(old).toMatchObject({
      rejectedLogEventsInfo: { tooOldLogEventEndIndex: 1, expiredLogEventEndIndex: 2 },
    });
    const edge = await put([at(now - 3 * 24 * HOUR - 1), at(now - 3 * 24 * HOUR)]);
    expect(edge.rejectedLogEventsInfo).toEqual({ expiredLogEventEndIndex: 1 });
    const ahead = await put([at(now + 2 * HOUR), at(now + 2 * HOUR + 1)]);
    expect(ahead.rejectedLogEventsInfo).toEqual({ tooNewLogEventStartIndex: 1 });
    expect(await messages()).toEqual([String(-3 * 24 * HOUR), String(2 * HOUR)]);
    expect(world.heard.flatMap(({ events }) => events)).toHaveLength(2);
  });

  it('writes nothing of a batch that comes from another time as a whole, and leaves what is there as it is', async () => {
    const now = world.clock.now();
    const batch = (...ago: number[]) => ago.map((ms) => ({ timestamp: now - ms, message: String(ms) }));
    const longAgo = batch(400 * 24 * HOUR, 399.5 * 24 * HOUR);
    await put(batch(1, 0));
    const { rejectedLogEventsInfo } = await put(longAgo);
    expect(rejectedLogEventsInfo).toEqual({ tooOldLogEventEndIndex: 2 });
    for (const late of [batch(9, 8), batch(7, 6), batch(5, 4)]) await put(late);
    const [code] = await refusal(longAgo, { logStreamName: 'none' });
    expect(code).toBe('ResourceNotFoundException');
    const page = async (more: object) => {
      const { events, nextBackwardToken } = await world.call('GetLogEvents', { ...place, limit: 2, ...more });
      return { texts: (events as { message: string }[]).map(({ message }) => message), nextBackwardToken };
    };
    const last = await page({});
    expect(last.texts).toEqual(['1', '0']);
    expect((await page({ nextToken: last.nextBackwardToken })).texts).toEqual(['5', '4']);
    await world.call('CreateLogStream', { ...place, logStreamName: 'WRONG' });
    await put(longAgo, { logStreamName: 'WRONG' });
    const { logStreams } = await world.call('DescribeLogStreams', { logGroupName: 'ioto' });
    const [lamp, wrong] = logStreams as object[];
    expect(lamp).toMatchObject({ firstEventTimestamp: now - 9, lastEventTimestamp: now });
    expect(wrong).not.toHaveProperty('lastEventTimestamp');
  });

  it.each([
    ['no list', undefined, 'InvalidParameterException', "Value null at 'logEvents'"],
    ['something else', 'x', 'SerializationException', 'logEvents is not a list'],
    ['an empty list', [], 'InvalidParameterException', 'length greater than or equal to 1'],
    [
      '10,001 events',
      Array(10_001).fill({ timestamp: 1, message: 'x' }),
      'InvalidParameterException',
      '10000',
    ],
    [
      'no message',
      [{ timestamp: 1 }],
      'InvalidParameterException',
      "Value null at 'logEvents.1.member.message'",
    ],
    ['no timestamp', [{ message: 'x' }], 'InvalidParameterException', 'logEvents.1.member.timestamp'],
    [
      'an empty message',
      [{ timestamp: 1, message: '' }],
      'InvalidParameterException',
      'greater than or equal to 1',
    ],
    ['a number for a message', [{ timestamp: 1, message: 5 }], 'SerializationException', 'not a string'],
    ['a text for a timestamp', [{ timestamp: '1', message: 'x' }], 'SerializationException', 'whole number'],
    ['null for an event', [null], 'InvalidParameterException', 'timestamp'],
    ['a time before 1970', [{ timestamp: -1, message: 'x' }], 'InvalidParameterException', 'equal to 0'],
    [
      'events out of order',
      [
        { timestamp: 2, message: 'x' },
        { timestamp: 1, message: 'x' },
      ],
      'InvalidParameterException',
      'must be in chronological order',
    ],
    [
      'more than a day',
      [
        { timestamp: 0, message: 'x' },
        { timestamp: 24 * HOUR + 1, message: 'x' },
      ],
      'InvalidParameterException',
      'cannot span more than 24 hours',
    ],
    [
      'an event of more than 256 KB',
      [{ timestamp: 1, message: 'é'.repeat(131_060) }],
      'InvalidParameterException',
      'Log event too large: 262146 bytes exceeds limit of 262144',
    ],
    [
      'more than 1 MB',
      Array(5).fill({ timestamp: 1, message: 'x'.repeat(210_000) }),
      'InvalidParameterException',
      'Upload too large: 1050130 bytes exceeds limit of 1048576',
    ],
  ])('refuses %s', async (_name, events, code, words) => {
    const [was, message] = await refusal(events);
    expect(was).toBe(code);
    expect(message).toContain(words);
  });

  it('says which of group and stream is not there', async () => {
    const events = world.events('x');
    expect(await refusal(events, { logGroupName: 'none' })).toEqual([
      'ResourceNotFoundException',
      'The specified log group does not exist.',
    ]);
    expect(await refusal(events, { logStreamName: 'none' })).toEqual([
      'ResourceNotFoundException',
      'The specified log stream does not exist.',
    ]);
  });

  it('slows down an account that puts too much, and only that one', async () => {
    const big = world.events(...Array(4).fill('x'.repeat(250_000)));
    const answers = await Promise.all([1, 2, 3, 4].map(() => refusal(big)));
    expect(answers.filter(([code]) => code === 'ThrottlingException')).toHaveLength(1);
    const other = tool('admin', '01BX5ZZKBKACTAV9WEVGEMMVRZ');
    await world.call('CreateLogGroup', { logGroupName: 'ioto' }, other);
    await world.call('CreateLogStream', place, other);
    expect(await world.refusal('PutLogEvents', { ...place, logEvents: big }, other)).toEqual(['none', '']);
    await world.clock.advance(1000);
    expect(await refusal(big)).toEqual(['none', '']);
  });

  it('leaves the last of the disk to the rest of the cloud', async () => {
    world.diskSize = { size: 2 ** 40, free: 2 ** 20 };
    expect(await refusal(world.events('x'))).toEqual([
      'ServiceUnavailableException',
      'The service cannot complete the request: the disk of the cloud is nearly full: log events are not taken.',
    ]);
    world.diskSize = { size: 2 ** 40, free: 2 ** 30 };
    await world.clock.advance(2000);
    expect(await refusal(world.events('x'))).toEqual(['none', '']);
    // Of a small disk it is a share.
    world.diskSize = { size: 2 ** 24, free: 2 ** 20 };
    await world.clock.advance(2000);
    expect(await refusal(world.events('x'))).toEqual(['none', '']);
  });

  it('is a refusal to be tried again when the disk is full', async () => {
    world.disk.capacity = 0;
    const [code] = await refusal(world.events('x'));
    expect(code).toBe('ServiceUnavailableException');
    world.disk.capacity = Number.POSITIVE_INFINITY;
    await put(world.events('y'));
    expect(await messages()).toEqual(['y']);
  });
});
