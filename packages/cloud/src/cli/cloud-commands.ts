import { Option } from 'commander';
import { ROLES } from '../http/principal.ts';
import type { AdminClient } from './admin-client.ts';
import { type AdminCommand, askAll, changeOrShow, type Telling, tellItems } from './admin-command.ts';
import { tellDevice, tellDeviceInFull } from './device-words.ts';

type Answer = Record<string, unknown>;

const account = () => new Option('--account <id>', 'account ID');

function tellAccount({ id, name, selfClaim }: Answer): Telling {
  const { enabled, products } = (selfClaim ?? {}) as { enabled?: boolean; products?: string[] };
  const selfClaims = enabled
    ? `; devices may claim themselves: ${products?.join(', ') || 'no product yet'}`
    : '';
  return { id: String(id), text: `${name}${selfClaims}` };
}

export const accountCommands: readonly AdminCommand[] = [
  {
    usage: 'create <name>',
    summary: 'make an account, to which users and devices belong',
    path: '/account/create',
    body: ([name]) => ({ name }),
    tell: tellAccount,
  },
  {
    usage: 'list',
    summary: 'all accounts',
    path: '/account/find',
    ask: 'pages',
    body: () => ({}),
    tell: (answer) => tellItems(answer, tellAccount),
  },
  {
    usage: 'self-claim <id> [products...]',
    summary: 'let devices of these products claim themselves for an account; without any, shows it',
    options: [new Option('--off', 'let none')],
    path: '/account/update',
    ask: changeOrShow('selfClaim'),
    body: ([id, ...products], { off }) => ({
      id,
      ...((off || products.length > 0) && { selfClaim: { enabled: !off, products } }),
    }),
    tell: tellAccount,
  },
];

function tellUser({ id, email, role }: Answer): Telling {
  return { id: String(id), text: `${email} (${role})` };
}

export const userCommands: readonly AdminCommand[] = [
  {
    usage: 'create <email>',
    summary: 'make a user who may sign in',
    options: [
      account().makeOptionMandatory(),
      new Option('--role <role>', 'what the user may do').choices(ROLES).default('user'),
      new Option('--password-stdin', 'read the password from standard input').makeOptionMandatory(),
    ],
    path: '/user/create',
    body: async ([email], { account, role }, terminal) => ({
      email,
      role,
      accountId: account,
      password: (await terminal.input()).replace(/\r?\n$/, ''),
    }),
    tell: tellUser,
  },
  {
    usage: 'list',
    summary: 'the users of an account',
    options: [account().makeOptionMandatory()],
    path: '/user/find',
    body: (_args, { account }) => ({ accountId: account }),
    tell: (answer) => tellItems(answer, tellUser),
  },
  {
    usage: 'password <id>',
    summary: 'set the password of a user, by user ID',
    options: [
      account().makeOptionMandatory(),
      new Option('--password-stdin', 'read the password from standard input').makeOptionMandatory(),
    ],
    path: '/user/update',
    body: async ([id], { account }, terminal) => ({
      id,
      accountId: account,
      password: (await terminal.input()).replace(/\r?\n$/, ''),
    }),
    tell: tellUser,
  },
];

export const tokenCommands: readonly AdminCommand[] = [
  {
    usage: 'create',
    summary: 'make an API token; it is shown this once',
    options: [
      new Option('--type <type>', 'what it opens').choices(['cloudApi', 'builderApi']).makeOptionMandatory(),
      new Option('--account <id>', 'bind it to one account; else it acts for all'),
      new Option('--role <role>', 'what it may do').choices(ROLES).default('admin'),
      new Option('--name <name>', 'what it is for'),
      new Option('--life <time>', "how long it holds, such as '90 days'"),
    ],
    path: '/token/create',
    body: (_args, { type, account, role, name, life }) => ({ type, accountId: account, role, name, life }),
    tell: ({ token, id, type }) => ({ id: String(token), text: `${type} token, known as ${id}` }),
  },
  {
    usage: 'list',
    summary: 'the API tokens of the builder, the cloud or an account',
    options: [
      new Option('--type <type>', 'which').choices(['cloudApi', 'builderApi']).default('cloudApi'),
      account(),
    ],
    path: '/token/find',
    body: (_args, { type, account }) => ({ type, accountId: account }),
    tell: (answer) =>
      tellItems(answer, ({ id, type, name, role, expires }) => ({
        id: String(id),
        text: `${type} (${role})${name ? ` ${name}` : ''}${expires ? `, until ${expires}` : ''}`,
      })),
  },
];

function tellConflict({ at, model, key, kept, lost }: Answer): Telling {
  const side = ({ by, updated, removed }: Answer) =>
    `${removed ? 'removed' : 'written'} ${updated} by ${by ?? 'the owner'}`;
  return {
    id: String(at),
    text: `${model} ${key}: kept ${side(kept as Answer)}, lost ${side(lost as Answer)}`,
  };
}

/** The devices of one account, or of each. */
async function askDevices(client: AdminClient, body: { accountId?: string }): Promise<{ items: unknown[] }> {
  if (body.accountId !== undefined) return askAll(client, '/device/find', body);
  const accounts = (await askAll(client, '/account/find', {})).items as { id: string }[];
  const lists: unknown[] = [];
  for (const { id } of accounts)
    lists.push(...(await askAll(client, '/device/find', { accountId: id })).items);
  return { items: lists };
}

export const deviceCommands: readonly AdminCommand[] = [
  {
    usage: 'list',
    summary: 'the devices of this cloud, or of one account',
    options: [account()],
    path: '/device/find',
    ask: askDevices,
    body: (_args, { account }) => ({ accountId: account }),
    tell: (answer) => tellItems(answer, tellDevice),
  },
  {
    usage: 'show <id>',
    summary: 'a device: whether it is online, what of its data the cloud has, its certificates',
    path: '/device/get',
    body: ([id]) => ({ id }),
    tell: tellDeviceInFull,
  },
  {
    usage: 'conflicts <id>',
    summary:
      'versions of a device that lost against others, or others against them, unseen; the newest first',
    path: '/device/conflicts',
    body: ([id]) => ({ id }),
    tell: (answer) => tellItems(answer, tellConflict),
  },
  {
    usage: 'claim <id>',
    summary: 'claim a device for an account',
    options: [
      account().makeOptionMandatory(),
      new Option('--pre', 'accept a device that has never been switched on'),
    ],
    path: '/device/claim',
    body: ([id], { account, pre }) => ({ id, accountId: account, pre }),
    tell: tellDevice,
  },
  {
    usage: 'release <id>',
    summary: 'free a device from its account',
    options: [
      new Option(
        '--forget-key',
        'let it come back with another identity key, as after a change of its board',
      ),
    ],
    path: '/device/release',
    body: ([id], { forgetKey }) => ({ id, forgetKey }),
    tell: ({ id }) => ({ id: String(id), text: 'released' }),
  },
];
