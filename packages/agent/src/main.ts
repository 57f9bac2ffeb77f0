import { newClaimId } from '@ioto/protocol';
import { CodedError, type LogLevel, messageOf, systemCode } from '@ioto/runtime';
import type { Agent, AgentOptions } from './agent.ts';
import { createAgent } from './build-agent.ts';
import { eventsFrom, type RunInvocation } from './command-line/invocation.ts';
import { readPlainRun } from './command-line/plain-run.ts';
import type { AgentSettings } from './config.ts';
import { type Directories, expandPath } from './config-loading/directories.ts';
import { locateDirectories } from './config-loading/load-config.ts';
import { askAgent } from './control/ask-agent.ts';
import { exitCodeOf } from './exit-code.ts';
import { type LogDestination, logDestination } from './log-destination.ts';
import { LogTap } from './log-tap.ts';
import { narrate } from './narrate.ts';
import { startInBackground, tellStarter } from './program/background.ts';
import { passingCopyOf } from './program/passing-state.ts';
import { openTrace } from './program/trace.ts';
import { showTraffic } from './program/traffic.ts';
import { SERVICE_MODULES } from './service-modules.ts';
import { planServices } from './service-table.ts';
import { agentVersion } from './version.ts';

/** How long a clean stop may take before the process ends anyway, in milliseconds. */
const STOP_PATIENCE = 5000;

/** Parses, builds, runs; resolves with the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const invocation = readPlainRun(args) ?? (await parsed(args));
  switch (invocation.command) {
    case 'print':
      process.stdout.write(invocation.text);
      return 0;
    case 'generate':
      process.stdout.write(`${newClaimId(invocation.length)}\n`);
      return 0;
    case 'wake': {
      const { state } = await locateDirectories(invocation.options);
      await askAgent(state, 'wake');
      return 0;
    }
    case 'db': {
      const { runDb } = await import('./db-command/run.ts');
      process.stdout.on('error', outputFailed);
      return runDb(invocation.db, { ...invocation.options, environment: process.env }, process);
    }
    case 'web': {
      const { runPassword } = await import('./web-command/run.ts');
      process.stdout.write(`${await runPassword(process)}\n`);
      return 0;
    }
    case 'build': {
      const { runBuild } = await import('./build-command/run.ts');
      await runBuild(invocation.build, (line) => process.stderr.write(`ioto: ${line}\n`));
      return 0;
    }
    case 'run': {
      const { home, background, options } = invocation;
      if (home !== undefined) changeTo(home);
      if (background) {
        const { state } = await locateDirectories(options);
        const started = await startInBackground(background, { state, log: invocation.trace?.file });
        if ('pid' in started) process.stdout.write(`${started.pid}\n`);
        else process.stderr.write(`ioto: ${started.failed}\n`);
        return 'pid' in started ? 0 : started.code;
      }
      return run(invocation);
    }
  }
}

async function parsed(args: readonly string[]) {
  const { parseCommandLine } = await import('./command-line/parse-command-line.ts');
  return parseCommandLine(args, agentVersion());
}

async function run(invocation: RunInvocation): Promise<number> {
  if (!invocation.nosave) return runAgent(invocation);
  const { options } = invocation;
  const copy = await passingCopyOf((await locateDirectories(options)).state);
  try {
    return await runAgent({ ...invocation, options: { ...options, state: copy.path } });
  } finally {
    await copy.remove();
  }
}

async function runAgent({ options, level, exit, show, trace }: RunInvocation): Promise<number> {
  process.stdout.on('error', () => undefined);
  const traffic = show && showTraffic(show, (line) => process.stderr.write(`${line}\n`));
  const agent = makeAgent(
    { ...options, ...(traffic && { traffic }) },
    { level, destination: trace && openTrace(trace) },
  );
  const stopping = new AbortController();
  const onSignal = () => stopping.abort(new Error('asked to stop'));
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  const ended = untilStopped(agent, exit, stopping.signal);
  let restarts = false;
  agent.once('device:restart', ({ how }) => {
    restarts = how === 'restart';
  });
  try {
    await agent.start(stopping.signal);
    tellStarter({ ready: true });
    await ended;
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  } finally {
    // A stop that hangs must not keep a device from being restarted.
    setTimeout(() => process.exit(1), STOP_PATIENCE).unref();
    await agent.stop();
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  }
  if (restarts && !stopping.signal.aborted) await startAgain();
  return 0;
}

/** The same program with the same arguments, and perhaps other code in its files, as another process after this one. */
async function startAgain(): Promise<void> {
  const { spawn } = await import('node:child_process');
  const { argv, execArgv, execPath } = process;
  spawn(execPath, [...execArgv, ...argv.slice(1)], { detached: true, stdio: 'inherit' }).unref();
}

/** Who reads the beginning only, as head does, has what it wanted; an export on a full disk is none. */
function outputFailed(error: Error): void {
  const code = systemCode(error);
  if (code === 'EPIPE') process.exit(0);
  process.stderr.write(`ioto: the output cannot be written (${code}): it is not whole\n`);
  process.exit(1);
}

function isSent({ services }: AgentSettings): boolean {
  return planServices(services, new Set(Object.keys(SERVICE_MODULES))).on.has('logs');
}

function changeTo(home: string): void {
  try {
    process.chdir(home);
  } catch (cause) {
    throw new CodedError('CONFIG_MISSING', `--home ${home}: cannot change to it (${systemCode(cause)})`, {
      cause,
    });
  }
}

/** With a log of that level and destination, or else of those that the configuration asks for. */
function makeAgent(
  options: AgentOptions,
  { level, destination }: { level: LogLevel | undefined; destination: LogDestination | undefined },
): Agent {
  const log = new LogTap('ioto', level ?? 'info', destination ?? logDestination(undefined));
  const configured: AgentOptions['configured'] = (settings, directories) => {
    log.level = level ?? settings.log.level ?? 'info';
    if (!destination) log.writeTo(configuredDestination(settings, directories));
  };
  const agent = createAgent({
    ...{ ...options, log, logger: log.logger, configured, environment: process.env },
  });
  narrate(agent, log.logger);
  return agent;
}

function configuredDestination(settings: AgentSettings, directories: Directories): LogDestination {
  const { path } = settings.log;
  if (path === 'cloud') return logDestination(isSent(settings) ? path : undefined);
  return logDestination(path && expandPath(path, directories));
}

/** Resolves when the event that was asked for comes, or a signal does. */
function untilStopped(agent: Agent, exit: RunInvocation['exit'], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    if (typeof exit === 'number') setTimeout(resolve, exit);
    else for (const event of exit ? eventsFrom(exit) : []) agent.once(event, () => resolve());
    // A device program that was told to reboot ends; what started it starts it again.
    agent.once('device:reboot', () => resolve());
    agent.once('device:restart', () => resolve());
  });
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const stack = process.argv.includes('--debug') && error instanceof Error ? `\n${error.stack}` : '';
    process.stderr.write(`ioto: ${messageOf(error)}${stack}\n`);
    tellStarter({ failed: messageOf(error), code: exitCodeOf(error) });
    process.exitCode = exitCodeOf(error);
  },
);
