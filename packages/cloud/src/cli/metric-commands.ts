import { METRIC_STATISTICS } from '@ioto/protocol';
import { CodedError, parseTime } from '@ioto/runtime';
import { Option } from 'commander';
import type { AdminClient } from './admin-client.ts';
import { type AdminCommand, askAll, type Telling, tellItems } from './admin-command.ts';

type Answer = Record<string, unknown>;

const account = () => new Option('--account <id>', 'account ID').makeOptionMandatory();

function tellSeries({ metric, dimensions, value, updated }: Answer): Telling {
  const names = Object.entries((dimensions ?? {}) as Record<string, string>);
  const of = names.map(([name, text]) => `${name}=${text}`).join(', ');
  return { id: String(metric), text: `${of || 'no dimension'}: ${value}, ${updated}` };
}

function tellPoints({ points }: Answer): Telling[] {
  return (points as { timestamp: number; value: number; count: number }[]).map(
    ({ timestamp, value, count }) => ({
      id: String(value),
      text: `from ${new Date(timestamp).toISOString()}, ${count} sample${count === 1 ? '' : 's'}`,
    }),
  );
}

interface Series {
  dimensions: Record<string, string>;
  value: number;
  updated: string;
}

/** Why there are no points, and what would have some. */
async function explainNoPoints(client: AdminClient, question: object, answer: Answer): Promise<string[]> {
  if ((answer.points as unknown[]).length > 0) return [];
  const { accountId, metric } = question as { accountId: string; metric: string };
  const known = (await askAll(client, '/metric/find', { accountId, metric })).items as Series[];
  if (known.length === 0) {
    return [`no device of this account has measured ${metric}: metric list shows what there is`];
  }
  const asked = optionsOf(answer.dimensions as Record<string, string>);
  const same = known.find(({ dimensions }) => optionsOf(dimensions) === asked);
  if (same)
    return [
      `no sample in that time; the latest is ${same.value}, of ${same.updated}: name a longer --period`,
    ];
  return [
    `${metric} has no series ${asked ? `with ${asked}` : 'without a dimension'}; it has these:`,
    ...known.map(
      (each) => `  ${optionsOf(each.dimensions) || 'no dimension'}: ${each.value}, ${each.updated}`,
    ),
  ];
}

/** The options that name a series, to be typed as they are. */
function optionsOf(dimensions: Record<string, string> = {}): string {
  const names = Object.keys(dimensions).sort();
  return names.map((name) => `--dimension ${word(`${name}=${dimensions[name]}`)}`).join(' ');
}

/** As a shell takes it for one word. */
const word = (text: string) => (/^[\w=.:@/-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`);

/** `Room=hall` for each. @throws CONFIG_INVALID */
function dimensionsOf(given: unknown): Record<string, string> {
  return Object.fromEntries(
    ((given ?? []) as string[]).map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new CodedError('CONFIG_INVALID', `--dimension: ${text} is not NAME=VALUE`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

export const metricCommands: readonly AdminCommand[] = [
  {
    usage: 'list',
    summary: 'what devices of an account measure, with the latest sample',
    options: [account(), new Option('--name <name>', 'one metric')],
    path: '/metric/find',
    ask: 'pages',
    body: (_args, { account, name }) => ({ accountId: account, metric: name }),
    tell: (answer) => tellItems(answer, tellSeries),
  },
  {
    usage: 'show <name>',
    summary: 'the values of one metric, the oldest first',
    options: [
      account(),
      new Option('--dimension <name=value...>', 'which of its series, such as Device=CLAIM-ID'),
      new Option('--period <time>', 'how far back').default('1 hr'),
      new Option('--statistic <name>', 'of the samples of each interval')
        .choices(METRIC_STATISTICS)
        .default('avg'),
    ],
    path: '/metric/fetch',
    body: ([name], { account, dimension, period, statistic }) => ({
      ...{ accountId: account, metric: name, statistic },
      dimensions: dimensionsOf(dimension),
      period: parseTime(String(period)) / 1000,
    }),
    tell: tellPoints,
    explain: explainNoPoints,
  },
];
