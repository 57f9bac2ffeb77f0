import { execFileSync } from 'node:child_process';
import { createPrivateKey, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { Agent } from 'node:https';
import { join } from 'node:path';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DeleteLogGroupCommand,
  DeleteLogStreamCommand,
  DeleteRetentionPolicyCommand,
  DescribeLogGroupsCommand,
  DescribeLogStreamsCommand,
  FilterLogEventsCommand,
  GetLogEventsCommand,
  type InputLogEvent,
  ListTagsForResourceCommand,
  PutLogEventsCommand,
  PutRetentionPolicyCommand,
  paginateFilterLogEvents,
  StartLiveTailCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { SIGNATURE_HEADER, signRequest } from '@ioto/protocol';
import { type DeviceFiles, Program, until } from '@ioto/testkit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { World } from './world.ts';

type Keys = Record<'accessKeyId' | 'secretAccessKey' | 'sessionToken' | 'region', string>;

const group = 'ioto/lamps';

let world: World;
let tool: CloudWatchLogsClient;
let admin: CloudWatchLogsClient;
let device: CloudWatchLogsClient;
let id: string;

beforeAll(async () => {
  world = await World.create();
  const connected = await world.connectedDevice();
  id = connected.id;
  device = clientOf(await keysOfDevice(connected.device));
  tool = clientOf(await keysOfTool('user'));
  admin = clientOf(await keysOfTool('admin'));
});
afterAll(() => world?.[Symbol.asyncDispose]());

function clientOf(keys: Keys): CloudWatchLogsClient {
  return new CloudWatchLogsClient({
    endpoint: `https://localhost:${world.cloud.port}`,
    region: keys.region,
    credentials: keys,
    // The client would look for a live tail at another host, below ours.
    disableHostPrefix: true,
    maxAttempts: 1,
    requestHandler: { httpsAgent: new Agent({ ca: world.cloud.authority }) },
  });
}

async function keysOfTool(role: string): Promise<Keys> {
  const { accountId } = world.owner;
  return (await world.cloud.json(['credentials', '--account', accountId, '--role', role])) as Keys;
}

/** Asks as a device's agent does, with the token and the identity key in its state directory. */
async function keysOfDevice(files: DeviceFiles): Promise<Keys> {
  const provision = (await files.read('config', 'provision.json5')) ?? '';
  const token = /"?token"?\s*:\s*["']([^"']+)/.exec(provision)?.[1] ?? '';
  const key = createPrivateKey(await readFile(join(files.state, 'certs', 'ioto.key'), 'utf8'));
  const path = '/tok/device/getCreds';
  const signature = signRequest({ method: 'POST', path: `/api${path}`, body: '' }, key, Date.now());
  const answer = await world.cloud.call(path, { bearer: token, headers: { [SIGNATURE_HEADER]: signature } });
  return answer.json as Keys;
}

const lines = (...messages: string[]): InputLogEvent[] => {
  const now = Date.now();
  return messages.map((message, index) => ({ timestamp: now + index, message }));
};
const put = (stream: string, logEvents: InputLogEvent[], client = device, logGroupName = group) =>
  client.send(new PutLogEventsCommand({ logGroupName, logStreamName: stream, logEvents }));

describe('a device with the CloudWatch Logs client of AWS', () => {
  it('makes a group and streams of its own, and puts lines that tools find', async () => {
    await device.send(new CreateLogGroupCommand({ logGroupName: group }));
    await device.send(new CreateLogStreamCommand({ logGroupName: group, logStreamName: id }));
    await device.send(new CreateLogStreamCommand({ logGroupName: group, logStreamName: `${id}/app` }));
    const answer = await put(id, lines('INFO started', 'ERROR lamp is dark', '{"level":50,"msg":"broken"}'));
    expect(answer.nextSequenceToken).toBeTruthy();
    expect(answer.rejectedLogEventsInfo).toBeUndefined();
    await put(`${id}/app`, lines('the app says ERROR'));
    const { events, nextToken } = await tool.send(
      new FilterLogEventsCommand({ logGroupName: group, filterPattern: 'ERROR' }),
    );
    expect(events?.map(({ logStreamName, message }) => [logStreamName, message])).toEqual([
      [id, 'ERROR lamp is dark'],
      [`${id}/app`, 'the app says ERROR'],
    ]);
    expect(nextToken).toBeUndefined();
    const json = new FilterLogEventsCommand({ logGroupName: group, filterPattern: '{ $.level >= 50 }' });
    expect((await tool.send(json)).events).toHaveLength(1);
    const own = { logGroupName: group, logStreamName: id };
    const read = await device.send(new GetLogEventsCommand({ ...own, startFromHead: true }));
    expect(read.events?.map(({ message }) => message)).toEqual([
      'INFO started',
      'ERROR lamp is dark',
      '{"level":50,"msg":"broken"}',
    ]);
    const end = new GetLogEventsCommand({ ...own, nextToken: read.nextForwardToken });
    expect(await device.send(end)).toMatchObject({ events: [], nextForwardToken: read.nextForwardToken });
  });

  it('is told which lines came too late or too early', async () => {
    const now = Date.now();
    const day = 86_400_000;
    const late = await put(id, [{ timestamp: now - 15 * day, message: 'long ago' }]);
    expect(late.rejectedLogEventsInfo).toEqual({ tooOldLogEventEndIndex: 1 });
    const early = await put(id, [
      { timestamp: now, message: 'now' },
      { timestamp: now + day / 8, message: 'soon' },
    ]);
    expect(early.rejectedLogEventsInfo).toEqual({ tooNewLogEventStartIndex: 1 });
  });
});

/** The name of the error that a call ends with. */
async function nameOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: Error) => error.name,
  );
}

describe('tools with the CloudWatch Logs client of AWS', () => {
  it('manage groups and streams', async () => {
    await admin.send(new CreateLogGroupCommand({ logGroupName: 'lab', tags: { purpose: 'test' } }));
    await admin.send(new CreateLogStreamCommand({ logGroupName: 'lab', logStreamName: 'bench' }));
    await put('bench', lines('x'), admin, 'lab');
    await admin.send(new PutRetentionPolicyCommand({ logGroupName: 'lab', retentionInDays: 30 }));
    const { logGroups } = await admin.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: 'la' }));
    expect(logGroups).toMatchObject([
      { logGroupName: 'lab', retentionInDays: 30, logGroupClass: 'STANDARD' },
    ]);
    const logGroupIdentifier = logGroups?.[0]?.logGroupArn;
    await admin.send(new DeleteRetentionPolicyCommand({ logGroupName: 'lab' }));
    const again = await admin.send(new DescribeLogGroupsCommand({ logGroupNamePattern: 'LAB' }));
    expect(again.logGroups?.[0]?.retentionInDays).toBeUndefined();
    const byLast = new DescribeLogStreamsCommand({
      logGroupIdentifier,
      orderBy: 'LastEventTime',
      descending: true,
    });
    const { logStreams } = await admin.send(byLast);
    expect(logStreams).toMatchObject([{ logStreamName: 'bench', lastEventTimestamp: expect.any(Number) }]);
    await admin.send(new DeleteLogStreamCommand({ logGroupName: 'lab', logStreamName: 'bench' }));
    await admin.send(new DeleteLogGroupCommand({ logGroupName: 'lab' }));
    expect(await world.audit()).toContainEqual(
      expect.objectContaining({ action: 'log-group.removed', details: { group: 'lab' } }),
    );
  });

  it('page through many events by the paginator', async () => {
    await admin.send(new CreateLogStreamCommand({ logGroupName: group, logStreamName: 'many' }));
    for (let batch = 0; batch < 3; batch += 1) {
      await put(
        'many',
        lines(...Array.from({ length: 5000 }, (_, i) => `line ${batch * 5000 + i} of many`)),
        admin,
      );
    }
    const found: string[] = [];
    const question = { logGroupName: group, logStreamNames: ['many'], filterPattern: '"of many"' };
    for await (const { events } of paginateFilterLogEvents({ client: tool }, question)) {
      found.push(...(events ?? []).map(({ message }) => message ?? ''));
    }
    expect(found).toHaveLength(15_000);
    expect(new Set(found).size).toBe(15_000);
  });

  it('follow what arrives, and stop', async () => {
    const logGroupIdentifiers = [`arn:aws:logs:local:${world.owner.accountId}:log-group:${group}`];
    const { responseStream } = await tool.send(
      new StartLiveTailCommand({ logGroupIdentifiers, logEventFilterPattern: 'dark' }),
    );
    const heard: string[] = [];
    for await (const event of responseStream ?? []) {
      if (event.sessionStart) await put(id, lines('the lamp is dark', 'the lamp is bright'));
      heard.push(...(event.sessionUpdate?.sessionResults ?? []).map(({ message }) => message ?? ''));
      if (heard.length > 0) break;
    }
    expect(heard).toEqual(['the lamp is dark']);
  });
});

describe('what was answered', () => {
  it('is there after the cloud was killed', async () => {
    await put(id, lines('the last words'));
    await world.stopCloud('SIGKILL');
    await world.startCloud();
    const find = new FilterLogEventsCommand({ logGroupName: group, filterPattern: '"the last words"' });
    expect((await tool.send(find)).events).toHaveLength(1);
  });
});

describe('every refusal', () => {
  const own = { logGroupName: group, logStreamName: '' };

  it('has the name that the client knows', async () => {
    const stream = { ...own, logStreamName: id };
    expect(await nameOf(admin.send(new DeleteLogGroupCommand({ logGroupName: 'none' })))).toBe(
      'ResourceNotFoundException',
    );
    expect(await nameOf(device.send(new CreateLogStreamCommand(stream)))).toBe(
      'ResourceAlreadyExistsException',
    );
    expect(await nameOf(put(id, lines('b', 'a').reverse()))).toBe('InvalidParameterException');
    expect(await nameOf(put('another', lines('x')))).toBe('AccessDeniedException');
    expect(await nameOf(device.send(new CreateLogGroupCommand({ logGroupName: 'factory' })))).toBe(
      'AccessDeniedException',
    );
    expect(await nameOf(put(id, lines('x'), clientOf(await keysOfTool('viewer'))))).toBe(
      'AccessDeniedException',
    );
    const wrong = [{ timestamp: 'now', message: 'x' }] as unknown as InputLogEvent[];
    expect(await nameOf(put(id, wrong))).toBe('SerializationException');
    expect(await nameOf(admin.send(new ListTagsForResourceCommand({ resourceArn: 'arn:aws:logs:x' })))).toBe(
      'UnknownOperationException',
    );
    const keys = await keysOfTool('viewer');
    const forged = clientOf({ ...keys, sessionToken: `${keys.sessionToken.slice(0, -4)}AAAA` });
    expect(await nameOf(forged.send(new DescribeLogGroupsCommand({})))).toBe('UnrecognizedClientException');
    const altered = clientOf({ ...keys, secretAccessKey: 'x'.repeat(40) });
    expect(await nameOf(altered.send(new DescribeLogGroupsCommand({})))).toBe('InvalidSignatureException');
  });

  it('of too many tails is a limit', async () => {
    const following = clientOf(await keysOfTool('viewer'));
    const start = (client = tool) =>
      client
        .send(new StartLiveTailCommand({ logGroupIdentifiers: [group] }))
        .then(({ $metadata }) => $metadata);
    await Promise.all(Array.from({ length: 15 }, () => start(following)));
    expect(await nameOf(start())).toBe('LimitExceededException');
    // It closes its connections, and with them the tails.
    following.destroy();
    await until('a tail to be free', async () => (await nameOf(start())) === 'none');
  });

  it('of a released device comes with the next request', async () => {
    const leaving = await world.connectedDevice();
    const client = clientOf(await keysOfDevice(leaving.device));
    await client.send(new CreateLogStreamCommand({ ...own, logStreamName: leaving.id }));
    await leaving.program.kill();
    await world.cloud.id(['device', 'release', leaving.id]);
    expect(await nameOf(put(leaving.id, lines('x'), client))).toBe('ExpiredTokenException');
  });
});

describe('ioto-cloud log', () => {
  it('shows groups and lines, and follows them', async () => {
    const account = ['--account', world.owner.accountId];
    const groups = await world.cloud.id(['log', 'groups', ...account]);
    expect(groups).toBe(group);
    const found = await world.cloud.id(['log', 'filter', group, '"app says"', ...account]);
    expect(found).toMatch(new RegExp(`^\\d{4}-.*Z ${id}/app the app says ERROR$`));
    await world.cloud.id(['log', 'allow', 'factory/*', ...account]);
    await device.send(new CreateLogGroupCommand({ logGroupName: 'factory/1' }));
    const wrong = await world.run([
      'log',
      'filter',
      group,
      '{ $.a }',
      ...account,
      '--state',
      world.cloud.state,
    ]);
    expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining('Invalid filter pattern')]);
    const args = ['log', 'tail', group, 'followed', ...account, '--state', world.cloud.state];
    await using tail = Program.spawn('ioto-cloud', args);
    await tail.waitFor(/waiting for lines/);
    await put(id, lines('this is followed', 'this is not'));
    await tail.waitFor(/this is followed/);
    expect(tail.stdout).not.toContain('this is not');
    await tail.kill('SIGINT');
    expect(tail.exit).toMatchObject({ code: 0 });
  });
});

// A disk of its own takes root to mount.
describe.skipIf(process.getuid?.() !== 0)('a full disk', () => {
  it('is a refusal to be tried again, and takes nothing back', async () => {
    const logs = join(world.cloud.state, 'logs');
    await world.stopCloud('SIGTERM');
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', logs]);
    try {
      await world.startCloud();
      const names: string[] = [];
      const megabyte = (mark: string) => lines(...Array.from({ length: 4 }, () => mark + random(200_000)));
      for (let i = 0; i < 12 && names.at(-1) !== 'ServiceUnavailableException'; i += 1) {
        names.push(await nameOf(put(id, megabyte(`batch${i} `))));
      }
      expect(names.at(-1)).toBe('ServiceUnavailableException');
      expect(names.slice(0, -1).every((name) => name === 'none')).toBe(true);
      const { events } = await tool.send(
        new FilterLogEventsCommand({
          logGroupName: group,
          filterPattern: `batch${names.length - 2}`,
          limit: 1,
        }),
      );
      expect(events).toHaveLength(1);
    } finally {
      await world.stopCloud('SIGKILL');
      execFileSync('umount', [logs]);
    }
  });
});

/** What no compression makes smaller. */
const random = (length: number) =>
  randomBytes(length / 2)
    .toString('base64')
    .slice(0, length);
