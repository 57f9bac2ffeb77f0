import { CodedError, type LogLevel } from '@ioto/runtime';
import type { AgentOptions } from '../agent.ts';
import type { AgentEvents } from '../agent-events.ts';
import type { BuildInvocation } from '../build-command/command-line.ts';
import type { DbInvocation } from '../db-command/command-line.ts';
import { levelOf, type Trace } from '../program/trace.ts';

/** What a command line asks for. */
export type Invocation =
  | RunInvocation
  | { command: 'generate'; length: number }
  | { command: 'wake'; options: AgentOptions }
  | { command: 'db'; options: AgentOptions; db: DbInvocation }
  | { command: 'web' }
  | { command: 'build'; build: BuildInvocation }
  | { command: 'print'; text: string };

export interface RunInvocation {
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

/** The options of the program itself, each by its name, with the values that they were read as. */
export interface RunFlags {
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

/** @throws USAGE for options that do not go together. */
export function invocationOf(flags: RunFlags, args: readonly string[]): Invocation {
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
