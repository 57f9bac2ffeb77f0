import { readFileSync } from 'node:fs';
import { newClaimId } from '@ioto/protocol';
import { type LogLevel, messageOf } from '@ioto/runtime';
import type { Agent, AgentOptions } from './agent.ts';
import { createAgent } from './build-agent.ts';
import { type ExitEvent, eventsFrom, type Invocation, parseCommandLine } from './command-line.ts';
import type { AgentSettings } from './config.ts';
import { expandPath } from './config-loading/directories.ts';
import { loadConfig, locateDirectories } from './config-loading/load-config.ts';
import { askAgent } from './control/ask-agent.ts';
import { exitCodeOf } from './exit-code.ts';
import { type LogDestination, logDestination } from './log-destination.ts';
import { LogTap } from './log-tap.ts';
import { narrate } from './narrate.ts';
import { SERVICE_MODULES } from './service-modules.ts';
import { planServices } from './service-table.ts';

/** How long a clean stop may take before the process ends anyway, in milliseconds. */
const STOP_PATIENCE = 5000;

/** Parses, builds, runs; resolves with the exit code. */
async function main(args: readonly string[]): Promise<number> {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    version: string;
  };
  const invocation = parseCommandLine(args, version);
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
      // Who reads the beginning only, as head does, has what it wanted.
      process.stdout.on('error', () => process.exit(0));
      return runDb(invocation.db, { ...invocation.options, environment: process.env }, process);
    }
    case 'run':
      return run(invocation);
  }
}

async function run({ options, level, exit }: Extract<Invocation, { command: 'run' }>): Promise<number> {
  const configured = await configuredLog(options);
  const agent = makeAgent(options, level ?? configured.level, configured.destination);
  const stopping = new AbortController();
  const onSignal = () => stopping.abort(new Error('asked to stop'));
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
  const ended = untilStopped(agent, exit, stopping.signal);
  try {
    await agent.start(stopping.signal);
    await ended;
  } catch (error) {
    if (!stopping.signal.aborted) throw error;
  } finally {
    // A stop that hangs must not keep a device from being restarted.
    setTimeout(() => process.exit(1), STOP_PATIENCE).unref();
    await agent.stop();
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  }
  return 0;
}

/** The log that the files ask for. Reading them here as well finds a mistake in them before anything is touched. */
async function configuredLog(
  options: AgentOptions,
): Promise<{ level: LogLevel; destination: LogDestination }> {
  // A reset may be meant to mend them; the agent reads what is left of them.
  if (options.reset) return { level: 'info', destination: logDestination(undefined) };
  const all = { ...options, environment: process.env };
  const directories = await locateDirectories(all);
  const { settings } = await loadConfig(all, directories);
  const { level = 'info', path } = settings.log;
  if (path === 'cloud') return { level, destination: logDestination(isSent(settings) ? path : undefined) };
  return { level, destination: logDestination(path && expandPath(path, directories)) };
}

function isSent({ services }: AgentSettings): boolean {
  return planServices(services, new Set(Object.keys(SERVICE_MODULES))).on.has('logs');
}

function makeAgent(options: AgentOptions, level: LogLevel, destination: LogDestination): Agent {
  const log = new LogTap('ioto', level, destination);
  const agent = createAgent({ ...options, log, logger: log.logger, environment: process.env });
  narrate(agent, log.logger);
  return agent;
}

/** Resolves when the event that was asked for comes, or a signal does. */
function untilStopped(agent: Agent, exit: ExitEvent | undefined, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
    for (const event of exit ? eventsFrom(exit) : []) agent.once(event, () => resolve());
    // A device program that was told to reboot ends; what started it starts it again.
    agent.once('device:reboot', () => resolve());
  });
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const stack = process.argv.includes('--debug') && error instanceof Error ? `\n${error.stack}` : '';
    process.stderr.write(`ioto: ${messageOf(error)}${stack}\n`);
    process.exitCode = exitCodeOf(error);
  },
);
