import { CLAIM_ID_LENGTH } from '@ioto/protocol';
import { CodedError, type LogLevel } from '@ioto/runtime';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { AgentOptions } from './agent.ts';
import type { AgentEvents } from './agent-events.ts';
import { type BuildInvocation, describeBuild } from './build-command/command-line.ts';
import { type DbInvocation, describeDb } from './db-command/command-line.ts';
import { levelOf, parseTrace, type Trace } from './program/trace.ts';

/** What a command line asks for. */
export type Invocation =
  | {
      command: 'run';
      options: AgentOptions;
      level: LogLevel | undefined;
      /** A phase, or milliseconds. */
      exit: ExitEvent | number | undefined;
      debug: boolean;
      /** Directory to change to first. */
      home?: string;
      /** Away from the terminal, with these arguments. */
      background?: readonly string[];
      nosave?: boolean;
      /** Letters of what is shown of the traffic. */
      show?: string;
      trace?: Trace;
    }
  | { command: 'generate'; length: number }
  | { command: 'wake'; options: AgentOptions }
  | { command: 'db'; options: AgentOptions; db: DbInvocation }
  | { command: 'build'; build: BuildInvocation }
  | { command: 'print'; text: string };

/** Events that `--exit` can wait for, by the short names of the phases, in the order of a device's life. */
export const EXIT_EVENTS = {
  local: 'local:ready',
  registered: 'device:registered',
  claimed: 'device:claimed',
  provisioned: 'device:provisioned',
  connected: 'mqtt:connected',
  ready: 'cloud:ready',
} as const satisfies Record<string, keyof AgentEvents>;
export type ExitEvent = (typeof EXIT_EVENTS)[keyof typeof EXIT_EVENTS];

/** The event and all that come after it in a life: a device that resumes has the earlier ones behind it. */
export function eventsFrom(event: ExitEvent): ExitEvent[] {
  const all = Object.values(EXIT_EVENTS);
  return all.slice(all.indexOf(event));
}

interface RunFlags {
  config?: string;
  state?: string;
  id?: string;
  product?: string;
  builder?: string;
  account?: string;
  cloud?: string;
  profile?: string;
  reset?: boolean;
  exit?: ExitEvent | number;
  ioto?: string;
  home?: string;
  background?: boolean;
  nosave?: boolean;
  show?: string;
  sync?: AgentOptions['sync'];
  timeouts?: boolean;
  trace?: Trace;
  gen?: boolean;
  length: number;
  verbose?: boolean;
  debug?: boolean;
  quiet?: boolean;
}

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
      invocation = interpret(flags, args);
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
  return new Command('ioto')
    .description('The device agent.')
    .option('--config <dir>', 'directory of ioto.json5 and its companions; only read')
    .option(
      '--state <dir>',
      'directory of everything the agent writes (default: directories.state, else state)',
    )
    .option('--id <id>', 'claim ID of this device; kept in device.json5')
    .option('--product <id>', 'product ID, the registration token')
    .option('--builder <url>', "base of the builder's API, such as https://HOST/api")
    .option('--account <id>', 'self-claim: the account to belong to; needs --cloud')
    .option('--cloud <id>', 'self-claim: the cloud of that account')
    .option(
      '--profile <name>',
      'conditional set of the configuration (default: IOTO_PROFILE, PROFILE, the file)',
    )
    .option('--reset', 'forget provisioning, certificate and database first; claim ID and identity key stay')
    .option(
      '--exit <phase>',
      `exit 0 when it is reached or passed: ${Object.keys(EXIT_EVENTS).join(', ')}; or after so many seconds`,
      exitEvent,
    )
    .option('--ioto <file>', "the maker's main file, instead of ioto.json5 in --config")
    .option('--home <dir>', 'change to this directory first; relative paths count from it')
    .option('--background', 'run away from the terminal: prints its process ID once local services run')
    .option('--nosave', 'keep nothing: works on a copy of the state that is removed at the end')
    .option(
      '--show <letters>',
      'show traffic with clouds: H and B heads and bodies that go out, h and b those that come in',
      shownLetters,
    )
    .addOption(
      new Option(
        '--sync <direction>',
        'send everything up, ask for everything, or both, once connected',
      ).choices(['up', 'down', 'both']),
    )
    .option('--timeouts', 'wait for ever where a timeout would end it, for debugging')
    .option(
      '--trace <file[:levels]>',
      'append the log to a file (or stdout, stderr), of these levels: debug,info,warn,error',
      parseTrace,
    )
    .option('--gen', 'print a new claim ID and exit')
    .option(
      '--length <n>',
      'letters of the claim ID that --gen prints; 16 are 80 bits',
      claimIdLength,
      CLAIM_ID_LENGTH.default,
    )
    .option('--verbose', 'log every step')
    .option('--debug', 'log everything, and show where an error came from')
    .option('--quiet', 'log errors only')
    .version(version, '--version', 'print the version and exit')
    .helpOption('--help', 'print this and exit')
    .allowExcessArguments(false);
}

function interpret(flags: RunFlags, args: readonly string[]): Invocation {
  const { exit, gen, length, verbose, debug, quiet, ...others } = flags;
  const { home, background, nosave, show, timeouts, trace, ...options } = others;
  if (gen) return { command: 'generate', length };
  if ((options.account === undefined) !== (options.cloud === undefined)) {
    throw new CodedError('USAGE', '--account and --cloud go together');
  }
  const level = debug || verbose ? 'debug' : quiet ? 'error' : trace && levelOf(trace);
  return {
    command: 'run',
    options: timeouts ? { ...options, settings: PATIENT } : options,
    level,
    exit,
    debug: debug === true,
    ...(home !== undefined && { home }),
    ...(background && { background: args.filter((arg) => arg !== '--background') }),
    ...(nosave && { nosave }),
    ...(show !== undefined && { show }),
    ...(trace && { trace }),
  };
}

/** Of `--timeouts`: who steps through the program at the other end takes his time. */
const PATIENT = {
  timeouts: { api: 'never', serialize: 'never', sync: 'never' },
  mqtt: { timeout: 'never' },
};

function shownLetters(letters: string): string {
  if (/^[HBhb]+$/.test(letters)) return letters;
  throw new InvalidArgumentError('It must be letters of HBhb.');
}

function exitEvent(phase: string): ExitEvent | number {
  if (/^\d+(\.\d+)?$/.test(phase)) return Number(phase) * 1000;
  const known = Object.entries(EXIT_EVENTS).find(([name, event]) => name === phase || event === phase);
  if (known) return known[1];
  throw new InvalidArgumentError(
    `It must be a number of seconds, or one of ${Object.keys(EXIT_EVENTS).join(', ')}.`,
  );
}

function claimIdLength(text: string): number {
  const { min, max } = CLAIM_ID_LENGTH;
  if (/^\d+$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text);
  throw new InvalidArgumentError(`It must be a number from ${min} to ${max}.`);
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
