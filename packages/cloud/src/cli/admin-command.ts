import { Command, Option } from 'commander';
import { AdminClient } from './admin-client.ts';
import type { Terminal } from './terminal.ts';

/** How an answer is told to a person: bare IDs on standard output, the rest beside it. */
export interface Telling {
  id: string;
  /** A line for people, or several. */
  text: string;
}

type Answer = Record<string, unknown>;

/** One command that is one call of the API. */
export interface AdminCommand {
  /** With its arguments, as commander writes them: `show <id>`. */
  usage: string;
  summary: string;
  options?: readonly Option[];
  path: string;
  /** Asks for all pages of a list; or in a way of its own. */
  ask?: 'pages' | ((client: AdminClient, body: object) => Promise<Answer>);
  body(
    args: readonly string[],
    options: Record<string, unknown>,
    terminal: Terminal,
  ): Promise<object> | object;
  tell(answer: Answer, args: readonly string[]): Telling | Telling[];
  /** Lines for a person beside an answer that says little by itself; may ask the cloud for more. */
  explain?(client: AdminClient, question: object, answer: Answer): Promise<string[]>;
}

/** Changes an account where the question names `property`, and shows the account where it does not. */
export function changeOrShow(property: string) {
  return (client: AdminClient, question: object): Promise<Answer> =>
    client.post(property in question ? '/account/update' : '/account/get', question);
}

export const defaultState = '.ioto/cloud';

export function stateOption(): Option {
  return new Option('--state <dir>', 'state directory of the cloud').default(defaultState);
}

/** A group of commands, such as `product`, each a call to the cloud that runs on `--state`. */
export function adminGroup(
  name: string,
  summary: string,
  commands: readonly AdminCommand[],
  terminal: Terminal,
): Command {
  const group = new Command(name).summary(summary).description(summary);
  for (const command of commands) group.addCommand(toCommand(command, terminal));
  return group;
}

/** One command that is a call to the cloud that runs on `--state`. */
export function toCommand(
  { usage, summary, options = [], path, ask, body, tell, explain }: AdminCommand,
  terminal: Terminal,
): Command {
  const [name = '', ...parameters] = usage.split(' ');
  const command = new Command(name).summary(summary).description(summary);
  for (const parameter of parameters) command.argument(parameter);
  for (const option of options) command.addOption(option);
  command.addOption(stateOption());
  command.option('--json', 'print the answer of the API as one JSON object');
  return command.action(async () => {
    const given = command.opts<{ state: string; json?: boolean }>();
    const { args } = command;
    const client = new AdminClient(given.state);
    const question = await body(args, given, terminal);
    const answer = await (typeof ask === 'function'
      ? ask(client, question)
      : ask === 'pages'
        ? askAll(client, path, question)
        : client.post(path, question));
    if (given.json) {
      terminal.out(`${JSON.stringify(answer)}\n`);
      return;
    }
    const tellings = [tell(answer, args)].flat();
    for (const { id, text } of tellings) {
      terminal.out(`${id}\n`);
      if (text) for (const line of text.split('\n')) terminal.say(`  ${line}`);
    }
    if (tellings.length === 0 && !explain) terminal.say('none');
    for (const line of (await explain?.(client, question, answer)) ?? []) terminal.say(line);
  });
}

/** All pages of a list as one answer. */
export async function askAll(client: AdminClient, path: string, body: object): Promise<{ items: unknown[] }> {
  const items: unknown[] = [];
  let next: unknown;
  do {
    const page = await client.post(path, next === undefined ? body : { ...body, next });
    items.push(...(Array.isArray(page.items) ? page.items : []));
    next = page.next;
  } while (next !== undefined);
  return { items };
}

/** The items of an answer to `find` or `list`, each told in the same way. */
export function tellItems(answer: Answer, tell: (item: Answer) => Telling): Telling[] {
  return Array.isArray(answer.items) ? (answer.items as Answer[]).map(tell) : [];
}
