import { CodedError, isCodedError, messageOf } from '@ioto/runtime';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { describeBuild } from '../build-command/command-line.ts';
import { describeDb } from '../db-command/command-line.ts';
import { describeWeb } from '../web-command/command-line.ts';
import { type Invocation, invocationOf, type RunFlags } from './invocation.ts';
import { RUN_OPTIONS, type RunOption } from './run-options.ts';

/**
 * Reads the arguments (without node and script).
 *
 * @throws USAGE with one line for a person.
 */
export function parseCommandLine(args: readonly string[], version: string): Invocation {
  let invocation: Invocation | undefined;
  const output: string[] = [];
  const program = describe(version)
    .configureOutput({ writeOut: (text) => output.push(text), writeErr: () => undefined })
    .exitOverride()
    .action((flags: RunFlags) => {
      invocation = invocationOf(flags, args);
    });
  program
    .command('wake')
    .description("end a running agent's backoff at once")
    .action(() => {
      const { config, state } = program.opts<RunFlags>();
      invocation = { command: 'wake', options: { config, state } };
    });
  describeDb(program, (db) => {
    const { config, state, profile } = program.opts<RunFlags>();
    invocation = { command: 'db', options: { config, state, profile }, db };
  });
  describeWeb(program, () => {
    invocation = { command: 'web' };
  });
  describeBuild(program, (build) => {
    invocation = { command: 'build', build };
  });
  try {
    program.parse([...args], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0)
      return { command: 'print', text: output.join('') };
    throw usage(error, program.args[0]);
  }
  return invocation ?? { command: 'print', text: program.helpInformation() };
}

function describe(version: string): Command {
  const program = new Command('ioto').description('The device agent.');
  for (const option of RUN_OPTIONS) program.addOption(optionOf(option));
  return program
    .version(version, '--version', 'print the version and exit')
    .helpOption('--help', 'print this and exit')
    .allowExcessArguments(false);
}

function optionOf({ name, value, description, choices, default: byDefault, read }: RunOption): Option {
  const option = new Option(`--${name}${value === undefined ? '' : ` <${value}>`}`, description);
  if (choices) option.choices(choices);
  if (byDefault !== undefined) option.default(byDefault);
  if (read) option.argParser((text) => readOrRefuse(read, text));
  return option;
}

function readOrRefuse(read: (text: string) => unknown, text: string): unknown {
  try {
    return read(text);
  } catch (error) {
    if (isCodedError(error, 'USAGE')) throw error;
    throw new InvalidArgumentError(messageOf(error));
  }
}

function usage(error: unknown, first: string | undefined): unknown {
  if (!(error instanceof CommanderError)) return error;
  const message = error.message
    .replace(/^error: /, '')
    // The program itself takes no arguments: what stands there was meant as a command.
    .replace(/^too many arguments\..*/s, `unknown command '${first}'`)
    .split('\n')
    .join(' ');
  return new CodedError('USAGE', `${message} (ioto --help lists the options)`);
}
