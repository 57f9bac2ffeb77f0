import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { device, LogsWorld, tool } from './logs-world.fixture.ts';

let world: LogsWorld;
beforeAll(async () => {
  world = await LogsWorld.create();
  for (const stream of ['LAMP', 'LAMP/app', 'LAMP2', 'OTHER']) {
    await world.stream().catch(() => undefined);
    await world
      .call('CreateLogStream', { logGroupName: 'ioto', logStreamName: stream })
      .catch(() => undefined);
  }
});
afterAll(() => world[Symbol.asyncDispose]());

const lamp = device('LAMP');
const place = { logGroupName: 'ioto' };
const code = async (...question: Parameters<LogsWorld['refusal']>) => (await world.refusal(...question))[0];
const events = () => world.events('x');

describe('a device', () => {
  it.each([
    ['ioto/lamps', 'none'],
    ['/ioto/lamps', 'none'],
    ['iotolamps', 'AccessDeniedException'],
    ['factory', 'AccessDeniedException'],
    ['factory/line-1', 'none'],
    ['lab', 'none'],
  ])('makes the group %s: %s', async (logGroupName, expected) => {
    world.account = { logGroups: ['lab', 'factory/*'] };
    expect(await code('CreateLogGroup', { logGroupName }, lamp)).toBe(expected);
  });

  it.each([
    ['LAMP', 'none'],
    ['LAMP/app', 'none'],
    ['LAMP.log', 'ResourceNotFoundException'],
    ['LAMP-1', 'ResourceNotFoundException'],
    ['LAMP2', 'AccessDeniedException'],
    ['OTHER', 'AccessDeniedException'],
    ['lamp', 'AccessDeniedException'],
  ])('puts into %s: %s', async (logStreamName, expected) => {
    expect(await code('PutLogEvents', { ...place, logStreamName, logEvents: events() }, lamp)).toBe(expected);
  });

  it('is told what it may not do, on what and why', async () => {
    const [, message] = await world.refusal('CreateLogStream', { ...place, logStreamName: 'OTHER' }, lamp);
    expect(message).toContain(
      'device LAMP is not authorized to perform: logs:CreateLogStream on resource: arn:aws:logs',
    );
    expect(message).toContain('LAMP, or that and /, . or -');
  });

  it('reads its own streams, and those alone', async () => {
    for (const stream of ['LAMP/app', 'LAMP2', 'OTHER']) {
      const logEvents = world.events(`of ${stream}`);
      await world.call('PutLogEvents', { ...place, logStreamName: stream, logEvents });
    }
    expect(await code('GetLogEvents', { ...place, logStreamName: 'LAMP' }, lamp)).toBe('none');
    expect(await code('GetLogEvents', { ...place, logStreamName: 'OTHER' }, lamp)).toBe(
      'AccessDeniedException',
    );
    expect(await code('FilterLogEvents', place, lamp)).toBe('AccessDeniedException');
    const mixed = { ...place, logStreamNames: ['LAMP', 'OTHER'] };
    expect(await code('FilterLogEvents', mixed, lamp)).toBe('AccessDeniedException');
    expect(await code('StartLiveTail', { logGroupIdentifiers: ['ioto'] }, lamp)).toBe(
      'AccessDeniedException',
    );
    const own = { ...place, logStreamNamePrefix: 'LAMP', filterPattern: 'of' };
    const found = await world.call('FilterLogEvents', own, lamp);
    expect((found.events as { message: string }[]).map(({ message }) => message)).toEqual(['of LAMP/app']);
    const listed = await world.call('DescribeLogStreams', { ...place, logStreamNamePrefix: 'LAMP' }, lamp);
    const names = (listed.logStreams as { logStreamName: string }[]).map(
      ({ logStreamName }) => logStreamName,
    );
    expect(names).toEqual(['LAMP', 'LAMP/app']);
    expect(await code('DescribeLogStreams', place, lamp)).toBe('AccessDeniedException');
  });

  it.each([
    'DeleteLogGroup',
    'DeleteLogStream',
    'PutRetentionPolicy',
    'DeleteRetentionPolicy',
    'DescribeLogGroups',
  ])('may not %s', async (operation) => {
    const input = { ...place, logStreamName: 'LAMP', retentionInDays: 1 };
    expect(await code(operation, operation === 'DescribeLogGroups' ? {} : input, lamp)).toBe(
      'AccessDeniedException',
    );
  });
});

describe('a tool', () => {
  const input = { ...place, logStreamName: 'OTHER', retentionInDays: 1 };
  it.each([
    ['viewer', 'FilterLogEvents', 'none'],
    ['viewer', 'DescribeLogGroups', 'none'],
    ['viewer', 'PutLogEvents', 'AccessDeniedException'],
    ['viewer', 'CreateLogGroup', 'AccessDeniedException'],
    ['user', 'PutLogEvents', 'none'],
    ['user', 'CreateLogGroup', 'none'],
    ['user', 'PutRetentionPolicy', 'AccessDeniedException'],
    ['user', 'DeleteLogStream', 'AccessDeniedException'],
    ['user', 'DeleteLogGroup', 'AccessDeniedException'],
    ['admin', 'PutRetentionPolicy', 'none'],
  ] as const)('as %s: %s: %s', async (role, operation, expected) => {
    const inputs: Record<string, object> = {
      FilterLogEvents: place,
      DescribeLogGroups: {},
      CreateLogGroup: { logGroupName: 'anything' },
      PutLogEvents: { ...place, logStreamName: 'OTHER', logEvents: events() },
    };
    expect(await code(operation, inputs[operation] ?? input, tool(role))).toBe(expected);
  });

  it('sees nothing of another account', async () => {
    const stranger = tool('admin', '01BX5ZZKBKACTAV9WEVGEMMVRZ');
    expect(await code('FilterLogEvents', place, stranger)).toBe('ResourceNotFoundException');
    expect(await world.call('DescribeLogGroups', {}, stranger)).toEqual({ logGroups: [] });
    const arn = 'arn:aws:logs:local:01ARZ3NDEKTSV4RRFFQ69G5FAV:log-group:ioto';
    expect(await code('FilterLogEvents', { logGroupIdentifier: arn }, stranger)).toBe(
      'InvalidParameterException',
    );
    expect(await code('FilterLogEvents', { logGroupIdentifier: arn }, tool('viewer'))).toBe('none');
  });
});
