import { Option } from 'commander';
import { type AdminCommand, type Telling, tellItems } from './admin-command.ts';

interface Token {
  token: string;
  enabled: boolean;
  expires?: string;
}

function tellProduct(product: Record<string, unknown>): Telling {
  const tokens = (product.tokens ?? []) as Token[];
  const states = tokens.map(({ token, enabled, expires }) => {
    const name = token === product.id ? '' : `${token} `;
    return `${name}${enabled ? 'enabled' : 'disabled'}${expires ? `, expires ${expires}` : ''}`;
  });
  return { id: String(product.id), text: `${product.name}: ${states.join('; ')}` };
}

const product = (usage: string, summary: string, path: string): AdminCommand => ({
  usage,
  summary,
  path,
  body: ([id]) => ({ id }),
  tell: tellProduct,
});

export const productCommands: readonly AdminCommand[] = [
  {
    usage: 'create <name>',
    summary: 'define a product; its ID is the token that its devices register with',
    options: [
      new Option('--description <text>', 'what it is'),
      new Option('--require-key', 'refuse devices that have no key of their own'),
    ],
    path: '/product/create',
    body: ([name], { description, requireKey }) => ({ name, description, requireKey }),
    tell: tellProduct,
  },
  {
    usage: 'list',
    summary: 'all products',
    path: '/product/find',
    ask: 'pages',
    body: () => ({}),
    tell: (answer) => tellItems(answer, tellProduct),
  },
  product('show <id>', 'a product and its tokens', '/product/get'),
  product(
    'enable <token>',
    "let devices register again with a token, the product's ID or another",
    '/product/enable',
  ),
  product('disable <token>', 'refuse registration with a token', '/product/disable'),
  {
    ...product('expire <token>', 'refuse registration with a token from a time on', '/product/expire'),
    options: [
      new Option('--at <time>', 'ISO time; now, when absent').conflicts('never'),
      new Option('--never', 'let it hold for ever'),
    ],
    body: ([id], { at, never }) => ({ id, expires: never ? null : (at ?? new Date().toISOString()) }),
  },
  {
    usage: 'token <id>',
    summary: 'give a product one more token',
    options: [new Option('--name <name>', 'what it is for'), new Option('--expires <time>', 'ISO time')],
    path: '/product/addToken',
    body: ([id], { name, expires }) => ({ id, name, expires }),
    tell: (answer) => {
      const token = ((answer.tokens ?? []) as Token[]).at(-1);
      return { id: token?.token ?? '', text: `one more token of ${answer.name}` };
    },
  },
];

export const cloudCommands: readonly AdminCommand[] = [
  {
    usage: 'create [name]',
    summary: 'make a key for a device cloud in another process; it is shown this once',
    path: '/cloud/create',
    body: ([name]) => ({ name }),
    tell: ({ key, id }) => ({
      id: String(key),
      text: `the key of cloud ${id}: put it in a file for --cloud-key-file`,
    }),
  },
  {
    usage: 'list',
    summary: 'the device clouds that this builder knows',
    path: '/cloud/list',
    ask: 'pages',
    body: () => ({}),
    tell: (answer) =>
      tellItems(answer, ({ id, name, type, region, api }) => ({
        id: String(id),
        text: `${name} (${type}${region ? `, ${region}` : ''}) ${api || 'has not called yet'}`,
      })),
  },
];
