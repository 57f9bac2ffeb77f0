import { randomBytes } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError, systemCode } from './errors.ts';
import { makePrivateDirectory } from './files.ts';

/** Who holds a state directory: enough to tell a living holder from the leftover of a power cut or a reused process ID. */
interface Holder {
  pid: number;
  /** Start time of the process in clock ticks since boot, where the system tells (Linux); else empty. */
  started: string;
  /** Identity of the boot, where the system tells; else empty. */
  boot: string;
  nonce: string;
}

export interface StateLock {
  /** Gives the directory back. Idempotent. */
  release(): void;
}

/**
 * Takes the only right to write in a state directory, creating it with mode 0700 when it is missing. A lock that a dead
 * process left behind is taken over.
 *
 * @throws STATE_IN_USE naming the process that holds it; STATE_UNWRITABLE when the directory cannot be written.
 */
export function lockStateDirectory(directory: string): StateLock {
  const path = join(directory, 'lock');
  const { started, boot } = identityOf(process.pid);
  const self: Holder = {
    pid: process.pid,
    ...{ started, boot },
    nonce: randomBytes(8).toString('hex'),
  };
  const own = `${path}.${self.nonce}`;
  try {
    makePrivateDirectory(directory);
    writeFileSync(own, JSON.stringify(self), { mode: 0o600 });
  } catch (error) {
    // On a full disk an empty file is left, and one more with each attempt.
    removeQuietly(own);
    const code = systemCode(error);
    throw new CodedError(
      'STATE_UNWRITABLE',
      `cannot write in the state directory ${directory} (${code}): ${REMEDIES[code ?? ''] ?? 'make it writable for this user'}, or name another with --state`,
      { cause: error },
    );
  }
  try {
    acquire(path, own, directory);
  } finally {
    rmSync(own, { force: true });
  }
  return {
    release() {
      if (readHolder(path)?.nonce === self.nonce) rmSync(path, { force: true });
    },
  };
}

function acquire(path: string, own: string, directory: string): void {
  for (;;) {
    try {
      // link(2) fails when the name exists, which makes "create if absent" atomic with the content already in place.
      linkSync(own, path);
      return;
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
    }
    const holder = readHolder(path);
    if (holder && isAlive(holder)) {
      throw new CodedError(
        'STATE_IN_USE',
        `the state directory ${directory} is in use by process ${holder.pid}: stop it, or name another directory with --state`,
      );
    }
    // Two rivals may both see the leftover; only one of them can move this very file away under its own name.
    const stale = `${own}.stale`;
    try {
      renameSync(path, stale);
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error;
      continue;
    }
    const moved = readHolder(stale);
    if (moved && moved.nonce !== holder?.nonce && isAlive(moved)) {
      // The rival had already taken over between our look and our move: give its lock back.
      try {
        linkSync(stale, path);
      } catch {
        // Someone else is in by now; the next turn of the loop reports it.
      }
    }
    rmSync(stale, { force: true });
  }
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOSPC: 'free space on that disk',
  EDQUOT: 'free space on that disk',
  EEXIST: 'something else has that name: move it away',
  ENOTDIR: 'something on its way is no directory: move it away',
};

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // Where nothing can be written, nothing was left.
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function isAlive(holder: Holder): boolean {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return false;
  }
  const now = identityOf(holder.pid);
  if (now.isZombie) return false;
  return now.started === holder.started && now.boot === holder.boot;
}

/** `isZombie`: it has ended, and only waits for its parent to take note, which some never do (an init of a container). */
function identityOf(pid: number): { started: string; boot: string; isZombie: boolean } {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in parentheses may hold blanks; the fields after it may not. Start time is field 22.
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const started = fields[18] ?? '';
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return { started, boot, isZombie: state === 'Z' };
  } catch {
    return { started: '', boot: '', isZombie: false };
  }
}
