import { readFile } from 'node:fs/promises';
import { CodedError, systemCode } from '@ioto/runtime';
import { Option } from 'commander';
import { type AdminCommand, type Telling, tellItems } from './admin-command.ts';
import type { Terminal } from './terminal.ts';

type Answer = Record<string, unknown>;

const account = () => new Option('--account <id>', 'account ID').makeOptionMandatory();
const target = () => [
  account(),
  new Option('--device <id>', 'one device'),
  new Option('--product <id>', 'every device of a product'),
  new Option('--all', 'every device of the account'),
];
const documentOption = () =>
  new Option('--document <file>', 'JSON file of the document; - for standard input');

function tellPolicy({ name, version, description, attachedTo, document }: Answer): Telling {
  const statements = [(document as { Statement?: unknown })?.Statement].flat().length;
  const targets = Array.isArray(attachedTo)
    ? `; attached to ${attachedTo.map(nameOf).join(', ') || 'nothing'}`
    : '';
  const facts = `version ${version}, ${statements} statement${statements === 1 ? '' : 's'}${targets}`;
  return { id: String(name), text: description ? `${description} (${facts})` : facts };
}

function nameOf(target: { device?: string; product?: string }): string {
  if (target.device) return `device ${target.device}`;
  return target.product ? `product ${target.product}` : 'every device';
}

function targetBody([name]: readonly string[], { account, device, product, all }: Answer): object {
  return { name, accountId: account, device, product, account: all };
}

async function documentOf(file: unknown, terminal: Terminal): Promise<string | undefined> {
  if (file === undefined) return undefined;
  if (file === '-') return terminal.input();
  try {
    return await readFile(String(file), 'utf8');
  } catch (error) {
    const message = `--document: cannot read ${String(file)} (${systemCode(error)})`;
    throw new CodedError('CONFIG_INVALID', message, { cause: error });
  }
}

export const policyCommands: readonly AdminCommand[] = [
  {
    usage: 'create <name>',
    summary: 'make an IoT policy from its document',
    options: [
      account(),
      documentOption().makeOptionMandatory(),
      new Option('--description <text>', 'what it is for'),
    ],
    path: '/policy/create',
    body: async ([name], { account, document, description }, terminal) => ({
      ...{ name, accountId: account, description },
      document: await documentOf(document, terminal),
    }),
    tell: tellPolicy,
  },
  {
    usage: 'list',
    summary: 'the policies of an account',
    options: [account()],
    path: '/policy/find',
    ask: 'pages',
    body: (_args, { account }) => ({ accountId: account }),
    tell: (answer) => tellItems(answer, tellPolicy),
  },
  {
    usage: 'show <name>',
    summary: 'a policy and what it is attached to; its document with --json',
    options: [account()],
    path: '/policy/get',
    body: ([name], { account }) => ({ name, accountId: account }),
    tell: tellPolicy,
  },
  {
    usage: 'update <name>',
    summary: 'give a policy another document; devices that are connected follow it at once',
    options: [account(), documentOption(), new Option('--description <text>', 'what it is for')],
    path: '/policy/update',
    body: async ([name], { account, document, description }, terminal) => ({
      ...{ name, accountId: account, description },
      document: await documentOf(document, terminal),
    }),
    tell: tellPolicy,
  },
  {
    usage: 'remove <name>',
    summary: 'remove a policy that is attached to nothing',
    options: [account()],
    path: '/policy/remove',
    body: ([name], { account }) => ({ name, accountId: account }),
    tell: (_answer, [name]) => ({ id: String(name), text: 'removed' }),
  },
  {
    usage: 'attach <name>',
    summary: 'let a policy hold for a device, a product or the whole account',
    options: target(),
    path: '/policy/attach',
    body: targetBody,
    tell: ({ name, attachedTo }) => ({
      id: String(name),
      text: `attached to ${nameOf((attachedTo ?? {}) as object)}`,
    }),
  },
  {
    usage: 'detach <name>',
    summary: 'end that',
    options: target(),
    path: '/policy/detach',
    body: targetBody,
    tell: ({ detached }, [name]) => ({
      id: String(name),
      text: detached ? 'detached' : 'it was not attached there: see policy show',
    }),
  },
  {
    usage: 'test <action> [resource]',
    summary: 'whether a device may do something, and why: iot:Publish app/ACCOUNT/door, iot:Connect',
    options: [
      account(),
      new Option('--device <id>', 'which').makeOptionMandatory(),
      new Option('--from <address>', 'as if it came from there'),
    ],
    path: '/policy/test',
    body: ([action, resource], { account, device, from }) => ({
      ...{ action, resource, device },
      accountId: account,
      sourceIp: from,
    }),
    tell: ({ allowed, reason }) => ({ id: allowed ? 'allowed' : 'refused', text: String(reason) }),
  },
];
