import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FromWorker, ListenHandle, ToWorker } from './worker-messages.ts';

/** A worker process, as the core sees it. */
export interface WorkerProcess {
  /** Does nothing once the process has ended. */
  send(message: ToWorker, handle?: ListenHandle): void;
  /** Ends it at once. */
  kill(): void;
}

export interface WorkerEvents {
  onMessage(message: FromWorker): void;
  /** Called once, with words for how. */
  onEnd(how: string): void;
}

export type StartWorker = (events: WorkerEvents) => WorkerProcess;

/** Starts a process from the built program or from its sources, whichever this is. `nodeOptions` default to this process's. */
export function startWorkerProcess(
  { onMessage, onEnd }: WorkerEvents,
  nodeOptions: readonly string[] = process.execArgv,
): WorkerProcess {
  const program = new URL(`./worker${extname(fileURLToPath(import.meta.url))}`, import.meta.url);
  const child = fork(fileURLToPath(program), [], {
    execArgv: [...nodeOptions],
    // Standard output is for what a script reads of the core.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  let ended = false;
  const end = (how: string) => {
    if (!ended) onEnd(how);
    ended = true;
  };
  child.on('message', (message) => onMessage(message as FromWorker));
  child.on('error', (error) => {
    // Also told of a message that could not be sent, to a process whose end will be told of by itself.
    if (child.pid === undefined) end(error.message);
  });
  child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
  return {
    send: (message, handle) => sendTo(child, message, handle),
    kill: () => child.kill('SIGKILL'),
  };
}

function sendTo(child: ChildProcess, message: ToWorker, handle?: ListenHandle): void {
  if (child.connected) child.send(message, handle, undefined, () => undefined);
}
