import { CodedError, parseTime } from '@ioto/runtime';
import { type Command, Option } from 'commander';
import type { AdminClient } from './admin-client.ts';
import { type AdminCommand, adminGroup, changeOrShow, type Telling, tellItems } from './admin-command.ts';
import { logTail } from './log-tail.ts';
import type { Terminal } from './terminal.ts';

type Answer = Record<string, unknown>;

const account = () => new Option('--account <id>', 'account ID').makeOptionMandatory();

function tellGroup({ name, retentionInDays, storedBytes }: Answer): Telling {
  const kept = retentionInDays === undefined ? 'kept for ever' : `kept for ${retentionInDays} days`;
  return { id: String(name), text: `${kept}, ${storedBytes} bytes on disk` };
}

function tellStream({ name, lastEvent }: Answer): Telling {
  const last = lastEvent === undefined ? 'no event yet' : `last event ${isoOf(lastEvent)}`;
  return { id: String(name), text: last };
}

/** A line of a log, on standard output whole. */
function tellEvent({ timestamp, stream, message }: Answer): Telling {
  return { id: `${isoOf(timestamp)} ${stream} ${message}`, text: '' };
}

const isoOf = (time: unknown) => new Date(Number(time)).toISOString();

/** Pages until there are as many events as asked for. */
async function askEvents(client: AdminClient, body: { limit?: number }): Promise<Answer> {
  const items: unknown[] = [];
  const { limit = 1000 } = body;
  for (let next: unknown; items.length < limit; ) {
    const question = { ...body, limit: limit - items.length, ...(next === undefined ? {} : { next }) };
    const page = await client.post('/log/filter', question);
    items.push(...(page.items as unknown[]));
    next = page.next;
    if (next === undefined) break;
  }
  return { items };
}

function limitOf(text: unknown): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit >= 1 && limit <= 10_000) return limit;
  throw new CodedError('CONFIG_INVALID', `--limit: ${text} is not a number from 1 to 10000`);
}

const logCommands: readonly AdminCommand[] = [
  {
    usage: 'groups',
    summary: 'the log groups of an account',
    options: [account(), new Option('--prefix <text>', 'only names that begin with this')],
    path: '/log/find',
    ask: 'pages',
    body: (_args, { account, prefix }) => ({ accountId: account, prefix }),
    tell: (answer) => tellItems(answer, tellGroup),
  },
  {
    usage: 'streams <group>',
    summary: 'the log streams of a group',
    options: [account(), new Option('--prefix <text>', 'only names that begin with this')],
    path: '/log/streams',
    ask: 'pages',
    body: ([group], { account, prefix }) => ({ accountId: account, group, prefix }),
    tell: (answer) => tellItems(answer, tellStream),
  },
  {
    usage: 'filter <group> [pattern]',
    summary: 'lines of a group that match a filter pattern of CloudWatch Logs, the oldest first',
    options: [
      account(),
      new Option('--stream <name>', 'only of this stream'),
      new Option('--since <time>', 'how far back').default('1 hr'),
      new Option('--limit <n>', 'at most so many lines').default('1000'),
    ],
    path: '/log/filter',
    ask: askEvents,
    body: ([group, pattern], { account, stream, since, limit }) => ({
      ...{ accountId: account, group, pattern, stream, limit: limitOf(limit) },
      from: Math.max(0, Date.now() - parseTime(String(since))),
    }),
    tell: (answer) => tellItems(answer, tellEvent),
  },
  {
    usage: 'retain <group> <days>',
    summary: 'how many days events of a group are kept; forever: always',
    options: [account()],
    path: '/log/retain',
    body: ([group, days], { account }) => ({ accountId: account, group, days: daysOf(days) }),
    tell: tellGroup,
  },
  {
    usage: 'remove <group>',
    summary: 'remove a log group with all of its events',
    options: [account()],
    path: '/log/remove',
    body: ([group], { account }) => ({ accountId: account, group }),
    tell: (_answer, [group]) => ({ id: String(group), text: 'removed' }),
  },
  {
    usage: 'allow [groups...]',
    summary: 'log groups that devices of an account may make beside ioto and ioto/…; without any, shows them',
    options: [account(), new Option('--none', 'no other')],
    path: '/account/update',
    ask: changeOrShow('logGroups'),
    body: (groups, { account, none }) => ({
      id: account,
      ...((none || groups.length > 0) && { logGroups: groups }),
    }),
    tell: ({ id, logGroups }) => ({
      id: String(id),
      text: `devices may make ${['ioto', 'ioto/…', '/ioto/…', ...((logGroups as string[] | undefined) ?? [])].join(', ')}`,
    }),
  },
];

function daysOf(text: string | undefined): number | undefined {
  if (text === 'forever') return undefined;
  const days = Number(text);
  if (!Number.isInteger(days))
    throw new CodedError('CONFIG_INVALID', `${text} is no number of days, nor forever`);
  return days;
}

export function logGroup(terminal: Terminal): Command {
  return adminGroup('log', 'what devices log', logCommands, terminal).addCommand(logTail(terminal));
}
