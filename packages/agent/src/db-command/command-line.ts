import { CodedError } from '@ioto/runtime';
import { type Command, InvalidArgumentError } from 'commander';
import { parseJson5 } from '../config-loading/json5.ts';
import { type DbRequest, MOST_FOUND } from './request.ts';

/** What a command line asks of the database; `request` is answered by the agent, or from its files when none runs. */
export type DbAction =
  | { verb: 'request'; request: Exclude<DbRequest, { verb: 'import' }> }
  | { verb: 'import'; file: string; replace: boolean }
  | { verb: 'check' }
  | { verb: 'salvage' };

export interface DbInvocation {
  action: DbAction;
  /** For a program rather than a person. */
  json: boolean;
}

interface DbFlags {
  json?: boolean;
  hidden?: boolean;
  limit: number;
  next?: string;
  index?: string;
  replace?: boolean;
}

const DEFAULT_LIMIT = 100;

/** Adds `db` and its verbs to a program's commands. */
export function describeDb(program: Command, invoked: (invocation: DbInvocation) => void): void {
  const db = program.command('db').description('look at the database, and mend it');
  db.action(() => {
    throw new CodedError('USAGE', 'db: say what is to be done with the database (ioto db --help lists it)');
  });
  const verb = (usage: string, description: string, act: (flags: DbFlags, names: string[]) => DbAction) =>
    db
      .command(usage)
      .description(description)
      .option('--json', 'print JSON, an object a line')
      .action((...args: unknown[]) => {
        const flags = args.at(-2) as DbFlags;
        const names = args
          .slice(0, -2)
          .flat()
          .map((name) => name as string);
        invoked({ action: act(flags, names), json: flags.json === true });
      });
  const ask = (request: Exclude<DbRequest, { verb: 'import' }>): DbAction => ({ verb: 'request', request });
  const hidden = ['--hidden', 'hidden fields and keys too'] as const;

  verb('models', 'the models and how many items they have', () => ask({ verb: 'models' }));
  verb(
    'find <model> [json]',
    'items that have these properties',
    ({ limit, next, index, hidden }, [model = '', json]) =>
      ask({ verb: 'find', model, properties: propertiesOf(json), limit, next, index, hidden }),
  )
    .option('--limit <n>', `at most so many, of ${MOST_FOUND}`, limitOf, DEFAULT_LIMIT)
    .option('--next <cursor>', 'go on where the page before ended')
    .option('--index <name>', 'in the order of this secondary index')
    .option(...hidden);
  verb('get <model> <json>', 'the item with this key', ({ hidden }, [model = '', json]) =>
    ask({ verb: 'get', model, properties: propertiesOf(json), hidden }),
  ).option(...hidden);
  verb('count [model]', 'how many items there are', (_flags, [model]) => ask({ verb: 'count', model }));
  verb('export [models...]', 'all items, as import takes them', ({ hidden }, names) =>
    ask({ verb: 'export', models: names.filter((name) => name !== undefined), hidden }),
  ).option(...hidden);
  verb(
    'import <file>',
    'create the items of a file, or of - for standard input',
    ({ replace = false }, [file = '']) => ({
      verb: 'import',
      file,
      replace,
    }),
  ).option('--replace', 'replace items that are there already');
  verb('stats', 'size, writes and outbox of the database', () => ask({ verb: 'stats' }));
  verb('check', 'read every record of the files', () => ({ verb: 'check' }));
  verb('salvage', 'take what can be read of damaged files into new ones; no agent may run', () => ({
    verb: 'salvage',
  }));
}

function propertiesOf(json: string | undefined): Record<string, unknown> {
  if (json === undefined) return {};
  try {
    return parseJson5(json, 'JSON');
  } catch (error) {
    const message = `db: the properties are no JSON object, such as '{ key: "temperature" }': ${(error as Error).message}`;
    throw new CodedError('USAGE', message, { cause: error });
  }
}

function limitOf(text: string): number {
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= MOST_FOUND) return Number(text);
  throw new InvalidArgumentError(`It must be a number from 1 to ${MOST_FOUND}.`);
}
