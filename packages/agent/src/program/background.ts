import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';

/** What the agent in the background tells the program that started it. */
export type Tidings = { ready: true } | { failed: string; code: number };

/**
 * Starts this program once more with other arguments, away from the terminal, with what it says in a file. Resolves once its
 * local services run, with its process ID, or with what kept it from starting and the exit code for that.
 */
export async function startInBackground(
  args: readonly string[],
  { state, log }: { state: string; log: string | undefined },
): Promise<{ pid: number } | { failed: string; code: number }> {
  const file = log ?? join(state, 'ioto.log');
  if (log === undefined) mkdirSync(state, { recursive: true, mode: 0o700 });
  const output = openSync(file, 'a', 0o600);
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] as string, ...args], {
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
  });
  closeSync(output);
  const tidings = await new Promise<Tidings>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Tidings));
    child.once('error', reject);
    child.once('exit', (code) => resolve({ failed: `it ended with ${code}: see ${file}`, code: code ?? 1 }));
  });
  if ('failed' in tidings) return tidings;
  child.unref();
  return { pid: child.pid as number };
}

/** Tells the program that started this one in the background, if it was, how the start has gone. */
export function tellStarter(tidings: Tidings): void {
  if (!process.connected) return;
  process.send?.(tidings, () => process.disconnect());
}
