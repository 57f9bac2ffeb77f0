import { readFile } from 'node:fs/promises';
import { CodedError, systemCode } from '@ioto/runtime';
import { Option } from 'commander';
import { type AdminCommand, type Telling, tellItems } from './admin-command.ts';
import type { Terminal } from './terminal.ts';

type Answer = Record<string, unknown>;

const account = () => new Option('--account <id>', 'account ID').makeOptionMandatory();
const force = (what: string) => new Option('--force', what);

function tellJob({ jobId, status, counts, spreading, description }: Answer): Telling {
  const each = Object.entries((counts ?? {}) as Record<string, number>)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
  const soFar = spreading ? ', still being handed out' : each ? '' : ', for no device';
  const facts = `${status}${soFar}${each ? `: ${each}` : ''}`;
  return { id: String(jobId), text: description ? `${description} (${facts})` : facts };
}

function tellExecution({ deviceId, status, updated, statusDetails }: Answer): Telling {
  const details = Object.entries((statusDetails ?? {}) as Record<string, string>)
    .map(([name, value]) => `${name} ${JSON.stringify(value)}`)
    .join(', ');
  return { id: String(deviceId), text: `${status} since ${updated}${details ? `: ${details}` : ''}` };
}

async function documentOf(file: unknown, terminal: Terminal): Promise<string> {
  if (file === '-') return terminal.input();
  try {
    return await readFile(String(file), 'utf8');
  } catch (error) {
    const message = `--document: cannot read ${String(file)} (${systemCode(error)})`;
    throw new CodedError('CONFIG_INVALID', message, { cause: error });
  }
}

export const jobCommands: readonly AdminCommand[] = [
  {
    usage: 'create [job]',
    summary: 'give devices a job; it is named by an ID of its own where none is given',
    options: [
      account(),
      new Option(
        '--document <file>',
        'JSON file of what is to be done; - for standard input',
      ).makeOptionMandatory(),
      new Option('--device <id...>', 'these devices'),
      new Option('--product <id>', 'every device of a product'),
      new Option('--all', 'every device of the account'),
      new Option('--timeout <minutes>', 'how long a device may take').argParser(Number),
      new Option('--description <text>', 'what it is for'),
    ],
    path: '/job/create',
    body: async ([jobId], { account, document, device, product, all, timeout, description }, terminal) => ({
      ...{ jobId, accountId: account, devices: device, product, all, description },
      ...{ timeoutMinutes: timeout, document: await documentOf(document, terminal) },
    }),
    tell: tellJob,
  },
  {
    usage: 'list',
    summary: 'the jobs of an account',
    options: [account()],
    path: '/job/find',
    ask: 'pages',
    body: (_args, { account }) => ({ accountId: account }),
    tell: (answer) => tellItems(answer, tellJob),
  },
  {
    usage: 'show <job>',
    summary: 'a job; its document with --json',
    options: [account()],
    path: '/job/get',
    body: ([jobId], { account }) => ({ jobId, accountId: account }),
    tell: tellJob,
  },
  {
    usage: 'devices <job>',
    summary: 'how a job stands on each of its devices, and what they say of it',
    options: [account()],
    path: '/job/executions',
    ask: 'pages',
    body: ([jobId], { account }) => ({ jobId, accountId: account }),
    tell: (answer) => tellItems(answer, tellExecution),
  },
  {
    usage: 'cancel <job>',
    summary: 'take a job back from the devices that have not begun it',
    options: [account(), force('also from those that have')],
    path: '/job/cancel',
    body: ([jobId], { account, force }) => ({ jobId, accountId: account, force }),
    tell: tellJob,
  },
  {
    usage: 'remove <job>',
    summary: 'forget a job that is over, with what its devices said of it',
    options: [account(), force('also one that is not over; devices lose it')],
    path: '/job/remove',
    body: ([jobId], { account, force }) => ({ jobId, accountId: account, force }),
    tell: (_answer, [jobId]) => ({ id: String(jobId), text: 'removed' }),
  },
];
