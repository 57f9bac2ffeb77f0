import { METRIC_STATISTICS } from '@ioto/protocol';
import { CodedError, parseTime } from '@ioto/runtime';
import { Option } from 'commander';
import { type AdminCommand, type Telling, tellItems } from './admin-command.ts';

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
  },
];
