import { rmSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemCode } from '@ioto/runtime';

/** A copy of a state directory that nothing is kept of. */
export interface PassingState {
  path: string;
  remove(): Promise<void>;
}

/** For `--nosave`: the device is who it was, and what happens to it now leaves no trace. */
export async function passingCopyOf(state: string): Promise<PassingState> {
  const path = await mkdtemp(join(tmpdir(), 'ioto-nosave-'));
  // Also when the program is ended before it has stopped: there are keys in it.
  const onExit = () => rmSync(path, { recursive: true, force: true });
  process.once('exit', onExit);
  const remove = async () => {
    await rm(path, { recursive: true, force: true });
    process.off('exit', onExit);
  };
  try {
    // Not what belongs to the agent that may run there: its lock and its socket.
    await cp(state, path, { recursive: true, filter: (source) => !/\.(lock|sock)$|\/lock$/.test(source) });
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return { path, remove };
    await remove();
    throw error;
  }
  return { path, remove };
}
