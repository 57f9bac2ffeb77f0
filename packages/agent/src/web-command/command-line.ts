import { CodedError } from '@ioto/runtime';
import type { Command } from 'commander';

/** Adds `web` and its verb to a program's commands. */
export function describeWeb(program: Command, invoked: () => void): void {
  const web = program.command('web').description('what the web server of a device needs');
  web.action(() => {
    throw new CodedError('USAGE', 'web: say what is to be made (ioto web --help lists it)');
  });
  web
    .command('password')
    .description('ask for a password, or read it from standard input, and print its hash for web.auth.users')
    .action(invoked);
}
