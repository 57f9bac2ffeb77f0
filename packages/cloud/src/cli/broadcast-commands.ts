import { Option } from 'commander';
import { type AdminCommand, type Telling, tellItems } from './admin-command.ts';

function tellBroadcast({ key, value, type }: Record<string, unknown>): Telling {
  return { id: String(key), text: `${value} (${type})` };
}

export const broadcastCommands: readonly AdminCommand[] = [
  {
    usage: 'set <key> <value>',
    summary:
      'tell the devices of all accounts a value; an account’s own broadcast of that key goes before it',
    options: [
      new Option('--type <type>', 'of the value')
        .choices(['string', 'number', 'boolean', 'object', 'array', 'date'])
        .default('string'),
    ],
    path: '/broadcast/set',
    body: ([key, value], { type }) => ({ key, value, type }),
    tell: tellBroadcast,
  },
  {
    usage: 'list',
    summary: 'what devices of all accounts are told',
    path: '/broadcast/find',
    ask: 'pages',
    body: () => ({}),
    tell: (answer) => tellItems(answer, tellBroadcast),
  },
  {
    usage: 'remove <key>',
    summary: 'take one back',
    path: '/broadcast/remove',
    body: ([key]) => ({ key }),
    tell: ({ key }) => ({ id: String(key), text: 'removed' }),
  },
];
