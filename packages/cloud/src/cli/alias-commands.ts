import { Option } from 'commander';
import { CREDENTIAL_LIFE } from '../ports/credential-issuer.ts';
import { type AdminCommand, type Telling, tellItems } from './admin-command.ts';

type Answer = Record<string, unknown>;

const account = () => new Option('--account <id>', 'account ID').makeOptionMandatory();

function tellAlias({ name, seconds, created }: Answer): Telling {
  return {
    id: String(name),
    text: `credentials for ${seconds} s, ${created ? `since ${created}` : 'built in'}`,
  };
}

export const aliasCommands: readonly AdminCommand[] = [
  {
    usage: 'create <name>',
    summary: 'make a name under which devices ask for credentials with their certificate',
    options: [
      account(),
      new Option(
        '--seconds <n>',
        `how long the credentials hold, ${CREDENTIAL_LIFE.shortest} to ${CREDENTIAL_LIFE.longest}`,
      )
        .argParser(Number)
        .default(CREDENTIAL_LIFE.usual),
    ],
    path: '/alias/create',
    body: ([name], { account, seconds }) => ({ name, accountId: account, seconds }),
    tell: tellAlias,
  },
  {
    usage: 'list',
    summary: 'the role aliases of an account',
    options: [account()],
    path: '/alias/find',
    ask: 'pages',
    body: (_args, { account }) => ({ accountId: account }),
    tell: (answer) => tellItems(answer, tellAlias),
  },
  {
    usage: 'remove <name>',
    summary: 'end that; credentials that were given out hold until they expire',
    options: [account()],
    path: '/alias/remove',
    body: ([name], { account }) => ({ name, accountId: account }),
    tell: (_answer, [name]) => ({ id: String(name), text: 'removed' }),
  },
];
