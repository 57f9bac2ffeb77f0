import { CodedError } from '@ioto/runtime';
import { Option } from 'commander';
import { CREDENTIAL_LIFE, TOOL_ROLES } from '../ports/credential-issuer.ts';
import type { AdminClient } from './admin-client.ts';
import { type AdminCommand, askAll, type Telling } from './admin-command.ts';

type Answer = Record<string, unknown>;

/** Where AWS's own tools and libraries look for credentials. */
const VARIABLES: readonly [string, (answer: Answer) => unknown][] = [
  ['AWS_ACCESS_KEY_ID', ({ accessKeyId }) => accessKeyId],
  ['AWS_SECRET_ACCESS_KEY', ({ secretAccessKey }) => secretAccessKey],
  ['AWS_SESSION_TOKEN', ({ sessionToken }) => sessionToken],
  ['AWS_REGION', ({ region }) => region],
  // Python's clients look there alone.
  ['AWS_DEFAULT_REGION', ({ region }) => region],
  // All services have the one address here.
  // Else the live tail would be looked for at another name, stream-….
  ['AWS_DISABLE_HOST_PREFIX_INJECTION', () => 'true'],
  ['AWS_ENDPOINT_URL', ({ endpoints }) => (endpoints as { logs: string }).logs],
];

/** Makes short-lived credentials and prints them as a shell takes them: `eval "$(ioto-cloud credentials)"`. */
export const credentialsCommand: AdminCommand = {
  usage: 'credentials',
  summary: 'make short-lived credentials for AWS clients and scripts of an account',
  options: [
    new Option('--account <id>', 'account ID; may be left out where there is one account only'),
    new Option('--role <role>', 'what they may do').choices(TOOL_ROLES).default('viewer'),
    new Option(
      '--seconds <n>',
      `how long they hold, ${CREDENTIAL_LIFE.shortest} to ${CREDENTIAL_LIFE.longest}`,
    )
      .argParser(Number)
      .default(CREDENTIAL_LIFE.usual),
  ],
  path: '/account/getCreds',
  ask: askFor,
  body: (_args, { account, role, seconds }) => ({ accountId: account, role, seconds }),
  tell,
};

async function askFor(client: AdminClient, body: { accountId?: string }): Promise<Answer> {
  const accountId = body.accountId ?? (await onlyAccount(client));
  return client.post('/account/getCreds', { ...body, accountId });
}

async function onlyAccount(client: AdminClient): Promise<string> {
  const { items } = await askAll(client, '/account/find', {});
  const [first, another] = items as { id: string }[];
  if (first && !another) return first.id;
  const problem = first ? 'there are several accounts: say which' : 'there is no account yet: make one';
  throw new CodedError('ACCOUNT_MISSING', `${problem}, with --account`);
}

function tell(answer: Answer): Telling[] {
  const lines = VARIABLES.map(([variable, valueIn]) => ({
    id: `export ${variable}=${quoted(String(valueIn(answer)))}`,
    text: '',
  }));
  const last = lines.at(-1);
  if (last) last.text = `until ${answer.expires}; whoever has them may do what they may`;
  return lines;
}

/** As a shell takes it for one word. */
function quoted(text: string): string {
  return /^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
