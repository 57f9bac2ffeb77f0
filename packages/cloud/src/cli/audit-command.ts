import { Option } from 'commander';
import type { AdminClient } from './admin-client.ts';
import { type AdminCommand, type Telling, tellItems } from './admin-command.ts';

type Answer = Record<string, unknown>;

/** Who did what, to an account or to the cloud as a whole. */
export const auditCommand: AdminCommand = {
  usage: 'audit',
  summary: 'who did what to an account, or to the cloud as a whole; the latest first',
  options: [
    new Option('--account <id>', 'account ID; without it the record of the cloud: broadcasts and updates'),
    new Option('--limit <n>', 'entries, at most 1000').argParser(Number).default(100),
  ],
  path: '/audit/find',
  ask: askFor,
  body: (_args, { account, limit }) => ({ accountId: account, limit }),
  tell: (answer) => tellItems(answer, tellEntry),
};

function askFor(client: AdminClient, { accountId, ...page }: { accountId?: string }): Promise<Answer> {
  return accountId === undefined
    ? client.post('/cloud/audit', page)
    : client.post('/audit/find', { accountId, ...page });
}

function tellEntry({ id, time, action, actor, deviceId, address, details = {} }: Answer): Telling {
  const facts = Object.entries({ device: deviceId, address, ...(details as Answer) })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return { id: String(id), text: [`${time} ${action} by ${actor}`, ...facts].join(', ') };
}
