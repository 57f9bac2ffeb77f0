import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';

/** Starts a process, as Node does. */
export type Start = (program: string, args: readonly string[], options: SpawnOptions) => ChildProcess;

/**
 * Starts a program in a process group of its own, so that it can be ended with all that it has started. `failed` hears why it
 * could not be started, or ended, later and never in this call. Where the system is out of descriptors the child has no
 * outputs; where it is out of memory there is no child.
 */
export function startGroup(
  program: string,
  args: readonly string[],
  options: Omit<SpawnOptions, 'detached'>,
  failed: (error: Error) => void,
  start: Start = spawn,
): ChildProcess | undefined {
  try {
    const child = start(program, args, { ...options, detached: true });
    // First of all: an error that nobody hears ends the agent.
    child.on('error', failed);
    return child;
  } catch (error) {
    queueMicrotask(() => failed(error as Error));
    return undefined;
  }
}

/** Sends a signal to all of the group; nothing happens where it has ended. */
export function signalGroup(child: Pick<ChildProcess, 'pid'> | undefined, signal: NodeJS.Signals): void {
  if (child?.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // It has just ended.
  }
}
